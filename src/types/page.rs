//! A page of a list: how many, and after what.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Invalid;

/// Rows of a page when the caller names no number.
pub const LIMIT_DEFAULT: i64 = 50;
/// Most rows of a page.
pub const LIMIT_MAX: i64 = 500;

/// What a list is asked for. Lists go by ascending identifier, which is their order of creation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows wanted, 1 to 500.
    pub limit: i64,
    /// The last identifier of the page before.
    pub after: Option<Uuid>,
    /// Words to look for, folded.
    pub query: Option<String>,
}

impl PageRequest {
    /// # Errors
    /// `Invalid` when the limit is out of bounds or the cursor was not made by us.
    pub fn parse(limit: Option<i64>, cursor: Option<&str>, query: Option<&str>) -> Result<Self, Invalid> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Invalid::new("limit", format!("{limit} is out of bounds: 1 to {LIMIT_MAX}")));
        }
        let after = cursor.filter(|c| !c.is_empty()).map(decode_cursor).transpose()?;
        let query = query.map(|q| super::fold(q.trim())).filter(|q| !q.is_empty());
        Ok(Self { limit, after, query })
    }

    /// Everything up to a bound, for callers that show no pages.
    pub fn first(limit: i64) -> Self {
        Self { limit, ..Self::default() }
    }
}

/// The cursor that leads to what comes after a row.
pub fn cursor(last: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(last.as_bytes())
}

fn decode_cursor(raw: &str) -> Result<Uuid, Invalid> {
    BASE64_URL_SAFE_NO_PAD
        .decode(raw)
        .ok()
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(|| Invalid::new("cursor", "this cursor was not given by a list: start again without one"))
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last.
    pub next_cursor: Option<String>,
    /// Rows of the whole list, over all pages.
    pub total: i64,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows: the extra one only tells that there is more.
    pub fn cut(mut rows: Vec<T>, limit: i64, total: i64, id: impl Fn(&T) -> Uuid) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| cursor(id(last)));
        Self { items: rows, next_cursor, total }
    }

    /// The same page with each row turned into something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let page = Page::cut(ids.clone(), 2, 3, |id| *id);
        assert_eq!(page.items.len(), 2);
        let next = PageRequest::parse(None, page.next_cursor.as_deref(), None);
        assert_eq!(next.map(|p| p.after), Ok(ids.get(1).copied()));
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        assert!(PageRequest::parse(Some(0), None, None).is_err());
        assert!(PageRequest::parse(Some(501), None, None).is_err());
        assert!(PageRequest::parse(None, Some("' OR 1=1"), None).is_err());
    }
}
