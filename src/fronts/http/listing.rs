//! Lists as they are answered.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::{FieldError, Problem};
use crate::types::page::{Page, PageRequest};

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

    /// One page of a list that is read whole because it is short: sources, applications, rules.
    ///
    /// # Errors
    /// A 400 when what the cursor names is gone.
    pub fn cut(all: Vec<T>, page: &PageRequest, key: impl Fn(&T) -> Uuid) -> Result<Self, Problem> {
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let start = match page.after {
            None => 0,
            Some(after) => 1 + all.iter().position(|item| key(item) == after).ok_or_else(gone)?,
        };
        let most = usize::try_from(page.limit).unwrap_or(usize::MAX).saturating_add(1);
        let rows = all.into_iter().skip(start).take(most).collect();
        Ok(Page::cut(rows, page.limit, total, key).into())
    }
}

fn gone() -> Problem {
    let message = "what this cursor names is gone: start again without one".to_owned();
    Problem::malformed(message.clone(), vec![FieldError { field: "cursor".to_owned(), message }])
}
