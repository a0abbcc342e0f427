//! Lists as they are answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::page::Page;

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Listing<T: ToSchema> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; null on the last.
    pub next_cursor: Option<String>,
    /// Rows of the whole list, over all pages.
    pub total: i64,
}

impl<T: ToSchema> From<Page<T>> for Listing<T> {
    fn from(page: Page<T>) -> Self {
        Self { items: page.items, next_cursor: page.next_cursor, total: page.total }
    }
}

impl<T: ToSchema> Listing<T> {
    /// A list that is never cut.
    pub fn whole(items: Vec<T>) -> Self {
        let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
        Self { items, next_cursor: None, total }
    }
}
