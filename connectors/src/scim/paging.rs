//! A list of resources, page after page, by index or by cursor, until what came is coherent in itself. Makes no record.
//!
//! A service takes no snapshot: whoever is removed while pages are read moves everyone behind them forward, and one of them is passed over. So
//! each page by index begins with the last resource of the one before, a page more is asked for at the end, and what came has to be as many as
//! were announced at most. Where something does not fit, the list is read again; after that it is given up, because whoever did not come would
//! be taken for gone.

use std::collections::HashMap;

use serde_json::Value;

use super::client::Client;
use super::fault::Fault;
use super::path::member;
use super::resource;
use super::service::Features;
use super::settings::{Paging, Settings};
use crate::ldap::Cause;
use crate::record::Kind;

/// How often a list is read before it is given up.
const PASSES_MAX: usize = 3;
/// The schema of a list (RFC 7644 §3.4.2).
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// What a cursor that is over is refused by (RFC 9865 §2.3).
const CURSOR_OVER: [&str; 2] = ["expiredCursor", "invalidCursor"];

/// The list being read.
pub(super) struct Pages {
    path: &'static str,
    filter: Option<String>,
    by_cursor: bool,
    can_sort: bool,
    size: usize,
    /// Requests that may be made.
    most: usize,
    /// Every `id`, and the pass in which it came last.
    seen: HashMap<String, usize>,
    pass: Pass,
    passes: usize,
    over: bool,
    /// Pages that came.
    pub(super) count: usize,
}

/// One reading of the list from its beginning.
#[derive(Debug, Default)]
struct Pass {
    /// Places read.
    read: usize,
    /// Different resources.
    distinct: usize,
    /// The largest total announced.
    told: usize,
    /// The `id` at the last place, when the next page is to begin with it.
    last: Option<String>,
    /// Something moved between two pages.
    moved: bool,
    cursor: String,
}

/// A page as the service wrote it.
pub(super) struct Page {
    pub(super) told: Option<usize>,
    pub(super) resources: Vec<Value>,
    cursor: Option<String>,
}

/// Where resources of a kind are.
pub(super) fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "/Users",
        Kind::Group => "/Groups",
    }
}

/// What is asked for of a kind, with another condition beside.
pub(super) fn filter(settings: &Settings, kind: Kind, beside: Option<&str>) -> Option<String> {
    let own = if kind == Kind::Person { &settings.user_filter } else { &settings.group_filter };
    match (own, beside) {
        (Some(own), Some(beside)) => Some(format!("({own}) and {beside}")),
        (Some(one), None) => Some(one.clone()),
        (None, beside) => beside.map(str::to_owned),
    }
}

impl Pages {
    pub(super) fn new(settings: &Settings, features: Features, kind: Kind, filter: Option<String>) -> Self {
        Self {
            path: path(kind),
            filter,
            by_cursor: settings.paging == Paging::Cursor || (settings.paging == Paging::Auto && features.cursor),
            can_sort: features.sort,
            size: settings.page_size.into(),
            most: settings.limits.pages_max,
            seen: HashMap::new(),
            pass: Pass::default(),
            passes: 1,
            over: false,
            count: 0,
        }
    }

    /// The next resources that did not come before; `None` once the list came whole.
    pub(super) async fn next(&mut self, client: &mut Client) -> Result<Option<Vec<Value>>, Cause> {
        while !self.over {
            if self.count == self.most {
                return Err(Cause::TooManyPages(self.most));
            }
            self.count += 1;
            match self.ask(client).await {
                Ok(page) => {
                    let fresh = if self.by_cursor { self.take_by_cursor(page)? } else { self.take_by_index(page)? };
                    if !fresh.is_empty() {
                        return Ok(Some(fresh));
                    }
                }
                Err(Cause::Service(Fault::RequestRefused { kind, .. })) if CURSOR_OVER.contains(&kind.as_str()) => self.again()?,
                Err(cause) => return Err(cause),
            }
        }
        Ok(None)
    }

    async fn ask(&self, client: &mut Client) -> Result<Page, Cause> {
        let start = if self.pass.last.is_some() { self.pass.read } else { self.pass.read + 1 };
        let (start, size) = (start.to_string(), self.size.to_string());
        let mut query = vec![("count", size.as_str())];
        query.push(if self.by_cursor { ("cursor", self.pass.cursor.as_str()) } else { ("startIndex", start.as_str()) });
        query.extend(self.filter.as_deref().map(|filter| ("filter", filter)));
        if self.passes > 1 && self.can_sort {
            // Perhaps its order changes from one page to the next.
            query.push(("sortBy", "id"));
        }
        Page::read(&client.get(self.path, &query).await?)
    }

    fn take_by_index(&mut self, page: Page) -> Result<Vec<Value>, Cause> {
        self.pass.told = self.pass.told.max(page.told.unwrap_or_default());
        let length = page.resources.len();
        let overlapping = self.pass.last.is_some();
        let first = page.resources.first().and_then(resource::id);
        let moved = overlapping && first != self.pass.last;
        self.pass.read = self.pass.read + length - usize::from(overlapping && length > 0);
        // A service that gives one resource at a time would give the last one for ever.
        self.pass.last = page.resources.last().and_then(resource::id).filter(|_| length > 1);
        let (news, fresh) = self.sort_out(page.resources);
        if news == 0 && length > usize::from(overlapping) && self.pass.distinct < self.pass.told {
            return Err(Cause::RepeatedPage(self.pass.read));
        }
        // Where nothing new comes and nothing is missing, it moved behind what was read, or the service takes no notice of pages.
        self.pass.moved |= moved && (news > 0 || self.pass.distinct < self.pass.told);
        let all_there = self.pass.last.is_none() && page.told.is_some_and(|told| self.pass.read >= told);
        if news == 0 || all_there {
            self.end()?;
        }
        Ok(fresh)
    }

    fn take_by_cursor(&mut self, page: Page) -> Result<Vec<Value>, Cause> {
        self.pass.told = self.pass.told.max(page.told.unwrap_or_default());
        self.pass.read += page.resources.len();
        let (_, fresh) = self.sort_out(page.resources);
        match page.cursor {
            Some(cursor) if cursor == self.pass.cursor => return Err(Cause::RepeatedPage(self.pass.read)),
            Some(cursor) => self.pass.cursor = cursor,
            None => self.end()?,
        }
        Ok(fresh)
    }

    /// How many resources are new in this pass, and those that are new in all of them.
    fn sort_out(&mut self, resources: Vec<Value>) -> (usize, Vec<Value>) {
        let before = self.pass.distinct;
        let mut fresh = Vec::new();
        for found in resources {
            let pass = self.passes;
            match resource::id(&found) {
                Some(id) => match self.seen.insert(id, pass) {
                    Some(last) if last == pass => continue,
                    Some(_) => {}
                    None => fresh.push(found),
                },
                // Without a key nobody can tell whether it came before.
                None if pass == 1 => fresh.push(found),
                None => {}
            }
            self.pass.distinct += 1;
        }
        (self.pass.distinct - before, fresh)
    }

    fn end(&mut self) -> Result<(), Cause> {
        self.over = !self.pass.moved && self.pass.distinct >= self.pass.told;
        if self.over { Ok(()) } else { self.again() }
    }

    fn again(&mut self) -> Result<(), Cause> {
        if self.passes == PASSES_MAX {
            return Err(Fault::PagesIncoherent { read: self.pass.distinct, told: self.pass.told, passes: self.passes }.cause());
        }
        self.passes += 1;
        self.pass = Pass::default();
        Ok(())
    }
}

impl Page {
    pub(super) fn read(answer: &Value) -> Result<Self, Cause> {
        let count = |name: &str| {
            let value = member(answer, name)?;
            let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
            usize::try_from(number).ok()
        };
        let is_list = || {
            let schemas = member(answer, "schemas").and_then(Value::as_array);
            schemas.is_some_and(|all| all.iter().any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(LIST))))
        };
        let told = count("totalResults");
        let resources = match member(answer, "Resources") {
            Some(Value::Array(resources)) => resources.clone(),
            None if told.is_some() || is_list() => Vec::new(),
            Some(_) | None => return Err(Fault::NotScim("no list of resources (RFC 7644 §3.4.2)".to_owned()).cause()),
        };
        let cursor = member(answer, "nextCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        Ok(Self { told, resources, cursor })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Cause, Fault, Features, Kind, Page, Pages, Settings};
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// What a service holds at each request, and how it answers.
    fn read(answers: &mut dyn FnMut(usize, usize, usize) -> (usize, Vec<usize>), size: u16) -> (Vec<String>, Result<usize, Cause>) {
        let settings = Settings::parse(&json!({"url": "https://a.test", "page_size": size})).unwrap();
        let mut pages = Pages::new(&settings, Features::default(), Kind::Person, None);
        let mut came = Vec::new();
        while !pages.over {
            let start = if pages.pass.last.is_some() { pages.pass.read } else { pages.pass.read + 1 };
            pages.count += 1;
            let (told, ids) = answers(pages.count, start, size.into());
            let resources = ids.iter().map(|id| json!({"id": format!("{id:03}")})).collect();
            match pages.take_by_index(Page { told: Some(told), resources, cursor: None }) {
                Ok(fresh) => came.extend(fresh.iter().map(|one| one["id"].as_str().unwrap().to_owned())),
                Err(cause) => return (came, Err(cause)),
            }
        }
        (came, Ok(pages.count))
    }

    fn cut(all: &[usize], start: usize, size: usize) -> Vec<usize> {
        all.iter().skip(start - 1).take(size).copied().collect()
    }

    #[test]
    fn a_list_that_rests_comes_once_and_whole() {
        for total in [0, 1, 9, 10, 11, 19, 28, 200] {
            let all: Vec<usize> = (0..total).collect();
            let (came, ended) = read(&mut |_, start, size| (total, cut(&all, start, size)), 10);
            assert_eq!((came.len(), ended.is_ok()), (total, true), "{total}");
        }
    }

    #[test]
    fn whoever_is_passed_over_because_another_left_comes_in_a_second_pass() {
        let mut all: Vec<usize> = (0..35).collect();
        let (came, ended) = read(
            &mut |count, start, size| {
                if count == 2 {
                    all.remove(0);
                    all.push(90);
                }
                (all.len(), cut(&all, start, size))
            },
            10,
        );
        assert!(ended.is_ok(), "{ended:?}");
        // Whoever left meanwhile came as well: the next reading knows better.
        assert_eq!(came.len(), 36);
        assert!(came.contains(&"010".to_owned()) && came.contains(&"090".to_owned()));
    }

    #[test]
    fn a_service_that_caps_pages_or_gives_one_resource_at_a_time_is_read_whole() {
        let all: Vec<usize> = (0..33).collect();
        for cap in [1, 2, 7] {
            let (came, ended) = read(&mut |_, start, _| (33, cut(&all, start, cap)), 10);
            assert_eq!((came.len(), ended.is_ok()), (33, true), "{cap}");
        }
    }

    #[test]
    fn a_service_that_takes_no_notice_of_pages_gives_everything_at_once() {
        let all: Vec<usize> = (0..33).collect();
        let (came, ended) = read(&mut |_, _, _| (33, all.clone()), 10);
        assert_eq!((came.len(), ended.ok()), (33, Some(2)));
    }

    #[test]
    fn a_page_that_comes_again_and_again_ends_the_reading() {
        let all: Vec<usize> = (0..10).collect();
        let (_, ended) = read(&mut |_, _, _| (33, all.clone()), 10);
        assert!(matches!(ended, Err(Cause::RepeatedPage(_))), "{ended:?}");
    }

    #[test]
    fn fewer_than_announced_are_not_the_whole() {
        let all: Vec<usize> = (0..25).collect();
        let (_, ended) = read(&mut |_, start, size| (30, cut(&all, start, size)), 10);
        assert!(matches!(ended, Err(Cause::Service(Fault::PagesIncoherent { read: 25, told: 30, passes: 3 }))), "{ended:?}");
        // A total that is the page's own.
        let (came, ended) = read(&mut |_, start, size| (10, cut(&all, start, size)), 10);
        assert_eq!((came.len(), ended.is_ok()), (25, true));
    }

    /// What happens between two requests: someone leaves, someone comes.
    type Turn = (Option<usize>, Option<usize>);

    proptest! {
        #[test]
        fn nobody_who_was_there_all_the_time_is_missing_from_what_counts_as_the_whole(
            total in 0_usize..60, size in 10_u16..20, turns in proptest::collection::vec((option::weighted(0.3, 0_usize..80), option::weighted(0.3, 0_usize..80)), 0..12),
        ) {
            let mut all: Vec<usize> = (0..total).collect();
            let mut next: Vec<Turn> = turns;
            let (mut stayed, mut new) = (all.clone(), 1000);
            let (came, ended) = read(
                &mut |_, start, size| {
                    let (leaves, comes) = next.pop().unwrap_or_default();
                    if let Some(at) = leaves.filter(|at| *at < all.len()) {
                        let left = all.remove(at);
                        stayed.retain(|one| *one != left);
                    }
                    if let Some(at) = comes.filter(|at| *at <= all.len()) {
                        all.insert(at, new);
                        new += 1;
                    }
                    (all.len(), cut(&all, start, size))
                },
                size,
            );
            if ended.is_ok() {
                let missing: Vec<_> = stayed.iter().filter(|one| !came.contains(&format!("{one:03}"))).collect();
                prop_assert!(missing.is_empty(), "{missing:?}");
            }
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let read = |answer: Value| Page::read(&answer).map(|page| (page.told, page.resources.len(), page.cursor));
        assert_eq!(
            read(json!({"totalResults": "2", "resources": [{}, {}], "nextCursor": "x"})).unwrap(),
            (Some(2), 2, Some("x".to_owned()))
        );
        assert_eq!(read(json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]})).unwrap(), (None, 0, None));
        assert!(matches!(read(json!({"Resources": {}})), Err(Cause::Service(Fault::NotScim(_)))));
        assert!(matches!(read(json!({"message": "hello"})), Err(Cause::Service(Fault::NotScim(_)))));
    }
}
