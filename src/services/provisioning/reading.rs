//! Reading a whole list of a service page by page, within a bound of time, and making sure that it was whole: what a short list leaves out is not
//! gone. Compares nothing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::context::Context;
use super::super::egress::Verb;
use super::remote::{Fault, Remote, resources_of};
use super::write_group::Trouble;

/// How long everything may be read; others wait for their turn meanwhile.
const READ_MAX: Duration = Duration::from_mins(10);
/// Most pages of one list.
const PAGES_MAX: usize = 20_000;

/// A list under way.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    ctx: &'a Context,
    /// `Users` or `Groups`.
    resources: &'static str,
    at_once: usize,
    begun: Instant,
    start: usize,
    pages: usize,
    /// How many the first page and the last one say there are.
    told: Option<(usize, usize)>,
    ended: bool,
    /// Identifiers that were read.
    pub seen: HashSet<String>,
}

impl<'a> Listing<'a> {
    /// Begins; `begun` is when the comparison did.
    pub fn of(ctx: &'a Context, resources: &'static str, at_once: usize, begun: Instant) -> Self {
        Self { ctx, resources, at_once, begun, start: 1, pages: 0, told: None, ended: false, seen: HashSet::new() }
    }

    /// The next page: what was not read before, with its identifiers. None at the end.
    ///
    /// # Errors
    /// `Trouble`; `Refused` when the list turns out not to be whole, or took too long.
    pub async fn next(&mut self, remote: &mut Remote<'_>) -> Result<Option<Vec<(String, Value)>>, Trouble> {
        if self.ended {
            return self.whole().map(|()| None).map_err(Trouble::from);
        }
        if self.ctx.gateway.node.is_stopping() {
            return Err(Trouble::Stopping);
        }
        if self.begun.elapsed() > READ_MAX || self.pages >= PAGES_MAX {
            return Err(self.broken_off().into());
        }
        let path = format!("/{}?startIndex={}&count={}", self.resources, self.start, self.at_once);
        let list = remote.ask(Verb::Get, &path, None, None).await?.body;
        let total = list.get("totalResults").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
        let total = total.ok_or_else(|| Fault::Refused(format!("/{} says no totalResults (RFC 7644 §3.4.2)", self.resources)))?;
        self.told = Some((self.told.map_or(total, |(first, _)| first), total));
        self.pages += 1;
        let page = resources_of(&list);
        self.start += page.len();
        self.ended = page.is_empty() || self.start > total;
        let mut new = Vec::with_capacity(page.len());
        for one in page {
            let id = one.get("id").and_then(Value::as_str).map(str::to_owned);
            new.extend(id.filter(|id| self.seen.insert(id.clone())).map(|id| (id, one)));
        }
        Ok(Some(new))
    }

    /// Whether as many were read as there are said to be.
    fn whole(&self) -> Result<(), Fault> {
        let (first, last) = self.told.unwrap_or_default();
        let (total, read) = (first.max(last), self.seen.len());
        if read >= total {
            return Ok(());
        }
        Err(Fault::Refused(format!(
            "the service says it has {total} {} and lists {read} of them: nothing was compared, and nothing changes",
            self.resources
        )))
    }

    fn broken_off(&self) -> Fault {
        let (_, total) = self.told.unwrap_or_default();
        Fault::Refused(format!(
            "{} of {total} {} were read after {} minutes: nothing was compared, and nothing changes; a higher `rate` may help",
            self.seen.len(),
            self.resources,
            READ_MAX.as_secs() / 60
        ))
    }
}
