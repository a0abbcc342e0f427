//! Carries out the operations of a Bulk request (RFC 7644 §3.7), each by itself: what one of them cannot do stops none of the others, unless the
//! caller wants it so.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::bulk::{self, Method, Operation, Outcome, Request};
use super::change::{Change, Done, With};
use super::error::ScimError;
use super::feeds::Feed;
use super::patch;
use super::resources;
use super::schema::Kind;
use super::versions::Versions;

/// The answer to a Bulk request.
///
/// # Errors
/// `invalidSyntax` for what is no Bulk request, 413 for one of too many operations.
pub async fn carry_out(feed: &Feed, body: &Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let request = bulk::parse(body)?;
    let order = bulk::order(&request.operations);
    let mut run = Run { feed, request: &request, outcomes: Vec::new(), made: BTreeMap::new(), failures: 0 };
    let mut ready = order.ready.as_slice();
    while !ready.is_empty() && !run.has_ended() {
        let (wave, later) = ready.split_at(run.wave(ready));
        run.carry(wave).await;
        ready = later;
    }
    for at in order.circular {
        if run.has_ended() {
            break;
        }
        run.failed(at, bulk::circular());
    }
    let outcomes = run.outcomes;
    Ok(bulk::answer(&request, outcomes))
}

struct Run<'a> {
    feed: &'a Feed,
    request: &'a Request,
    outcomes: Vec<Outcome>,
    /// The identifiers of what was made, by the names of the operations that made it.
    made: BTreeMap<String, String>,
    failures: u64,
}

/// An operation that is under way.
struct Begun {
    at: usize,
    method: Method,
    kind: Kind,
    /// Which resource; empty where one is made.
    target: String,
}

impl Run<'_> {
    fn has_ended(&self) -> bool {
        self.request.fail_on_errors.is_some_and(|most| self.failures >= most)
    }

    /// How many of the next operations need nothing of one another. Where failures are counted, each is waited for.
    fn wave(&self, ready: &[usize]) -> usize {
        if self.request.fail_on_errors.is_some() {
            return 1;
        }
        let sent = |at: &usize| self.request.operations.get(*at);
        let mut names = Vec::new();
        for (taken, at) in ready.iter().enumerate() {
            let Some(operation) = sent(at) else { continue };
            let needs = operation.wish.as_ref().map(bulk::references).unwrap_or_default();
            if names.iter().any(|name: &&String| needs.contains(*name)) {
                return taken;
            }
            names.extend(operation.bulk_id.as_ref());
        }
        ready.len()
    }

    async fn carry(&mut self, wave: &[usize]) {
        let mut begun = Vec::with_capacity(wave.len());
        let mut changes = Vec::with_capacity(wave.len());
        for at in wave {
            let Some(sent) = self.request.operations.get(*at) else { continue };
            let prepared = sent.wish.clone().and_then(|mut operation| {
                bulk::resolve(&mut operation, &self.made)?;
                let Operation { method, kind, target, .. } = &operation;
                Ok((Begun { at: *at, method: *method, kind: *kind, target: target.clone() }, change(operation)?))
            });
            match prepared {
                Ok((one, change)) => {
                    begun.push(one);
                    changes.push(change);
                }
                Err(error) => self.failed(*at, error),
            }
        }
        let done = resources::carry_all(self.feed, changes, With::default()).await;
        for (one, done) in begun.into_iter().zip(done) {
            self.done(&one, done);
        }
    }

    fn done(&mut self, one: &Begun, done: Result<Done, ScimError>) {
        let address = |id: &str| format!("{}/{}/{id}", self.feed.base_url(), one.kind.endpoint());
        let (id, version, error) = match done {
            Ok(Done::Stored(stored)) => (stored.id.to_string(), Some(stored.version), None),
            Ok(Done::Removed) => (one.target.clone(), None, None),
            Err(error) => (one.target.clone(), None, Some(error)),
        };
        let status = match (&error, one.method) {
            (Some(error), _) => error.status,
            (None, Method::Post) => 201,
            (None, Method::Put | Method::Patch) => 200,
            (None, Method::Delete) => 204,
        };
        let location = Some(address(&id)).filter(|_| !id.is_empty());
        if let Some(error) = &error {
            self.refused(one.at, error);
        } else if let Some(name) =
            self.request.operations.get(one.at).and_then(|sent| sent.bulk_id.clone()).filter(|_| one.method == Method::Post)
        {
            self.made.insert(name, id);
        }
        self.outcomes.push(Outcome { at: one.at, status, location, version, error });
    }

    /// Counts a failure; whoever looks into the feed reads the first.
    fn refused(&mut self, at: usize, error: &ScimError) {
        self.failures += 1;
        self.feed.trail.refused(|| format!("operation {}: {}", at + 1, error.detail));
    }

    /// An operation that was not even begun.
    fn failed(&mut self, at: usize, error: ScimError) {
        self.refused(at, &error);
        self.outcomes.push(Outcome { at, status: error.status, location: None, version: None, error: Some(error) });
    }
}

fn change(operation: Operation) -> Result<Change, ScimError> {
    let Operation { method, kind, target: id, version, body } = operation;
    let rev = match version.as_deref().map(Versions::parse).and_then(|named| named.revisions()) {
        None => None,
        Some(revs) => Some(revs.first().copied().ok_or_else(ScimError::stale)?),
    };
    Ok(match method {
        Method::Post => Change::Create { kind, body },
        Method::Put => Change::Replace { kind, id, body, rev },
        Method::Patch => Change::Patch { kind, id, ops: patch::parse(&body)?, rev },
        Method::Delete => Change::Remove { kind, id, rev },
    })
}
