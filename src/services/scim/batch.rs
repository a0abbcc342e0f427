//! Carries out the operations of a Bulk request (RFC 7644 §3.7), each by itself: what one of them cannot do stops none of the others, unless the
//! caller wants it so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::bulk::{self, Method, Operation, Order, Outcome, Part, Request, Step};
use super::change::{Change, Done, With};
use super::error::ScimError;
use super::feeds::Feed;
use super::patch;
use super::resources;
use super::schema::Kind;
use super::turns::Trial;
use super::versions::Versions;

/// The answer to a Bulk request.
///
/// # Errors
/// `invalidSyntax` for what is no Bulk request, 413 for one of too many operations.
pub async fn carry_out(feed: &Feed, body: &Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    run(feed, body, None).await
}

/// The answer that a Bulk request would have, where nothing of it stays.
///
/// # Errors
/// As [`carry_out`], and whatever breaks the trial off.
pub async fn try_out(feed: &Feed, body: &Map<String, Value>, trial: &mut Trial<'_>) -> Result<Map<String, Value>, ScimError> {
    run(feed, body, Some(trial)).await
}

async fn run(feed: &Feed, body: &Map<String, Value>, trial: Option<&mut Trial<'_>>) -> Result<Map<String, Value>, ScimError> {
    let request = bulk::parse(body)?;
    let order = bulk::order(&request.operations);
    let mut run = Run {
        feed,
        trial,
        request: &request,
        order: &order,
        outcomes: Vec::new(),
        made: BTreeMap::new(),
        bare: BTreeMap::new(),
        failures: 0,
    };
    let mut steps = order.steps.as_slice();
    while !steps.is_empty() && !run.has_ended() {
        let (wave, later) = steps.split_at(run.wave(steps));
        run.carry(wave).await?;
        steps = later;
    }
    run.left();
    Ok(bulk::answer(&request, run.outcomes))
}

struct Run<'a, 'f> {
    feed: &'a Feed,
    /// Where they are tried, and not carried out.
    trial: Option<&'a mut Trial<'f>>,
    request: &'a Request,
    order: &'a Order,
    outcomes: Vec<Outcome>,
    /// The identifiers of what was made, by the names of the operations that made it.
    made: BTreeMap<String, String>,
    /// What was made without some of its references, and where it is.
    bare: BTreeMap<usize, String>,
    failures: u64,
}

/// An operation that is under way.
struct Begun {
    step: Step,
    method: Method,
    kind: Kind,
    /// Which resource; empty where one is made.
    target: String,
}

impl Run<'_, '_> {
    fn has_ended(&self) -> bool {
        self.request.fail_on_errors.is_some_and(|most| self.failures >= most)
    }

    /// How many of the next steps need nothing of one another. Where failures are counted, each is waited for.
    fn wave(&self, steps: &[Step]) -> usize {
        if self.request.fail_on_errors.is_some() {
            return 1;
        }
        let mut names = BTreeSet::new();
        for (taken, step) in steps.iter().enumerate() {
            let Some(operation) = self.request.operations.get(step.at) else { continue };
            let needs = operation.wish.as_ref().map(bulk::references).unwrap_or_default();
            let own = operation.bulk_id.as_ref();
            if needs.iter().any(|name| names.contains(name)) || own.is_some_and(|name| step.part == Part::Rest && names.contains(name)) {
                return taken;
            }
            names.extend(own.cloned());
        }
        steps.len()
    }

    async fn carry(&mut self, wave: &[Step]) -> Result<(), ScimError> {
        let mut begun = Vec::with_capacity(wave.len());
        let mut changes = Vec::with_capacity(wave.len());
        for step in wave {
            // What was not even made has been told of.
            if step.part == Part::Rest && !self.bare.contains_key(&step.at) {
                continue;
            }
            match self.prepared(*step) {
                Ok((one, change)) => {
                    begun.push(one);
                    changes.push(change);
                }
                Err(error) => self.failed(step.at, error),
            }
        }
        let done = match &mut self.trial {
            None => resources::carry_all(self.feed, changes, With::default()).await,
            Some(trial) => {
                let mut done = Vec::with_capacity(changes.len());
                for change in changes {
                    done.push(trial.carry(change, With::default()).await?);
                }
                done
            }
        };
        for (one, done) in begun.into_iter().zip(done) {
            self.done(&one, done);
        }
        Ok(())
    }

    /// What a step changes.
    fn prepared(&self, step: Step) -> Result<(Begun, Change), ScimError> {
        let sent = self.request.operations.get(step.at).ok_or_else(|| ScimError::new(500, "no such operation"))?;
        let mut operation = sent.wish.clone()?;
        let left_out = self.order.left_out.get(&step.at);
        match (step.part, left_out) {
            (Part::Bare, Some(left_out)) => {
                if operation.kind == Kind::Group && sent.bulk_id.as_ref().is_some_and(|own| left_out.contains(own)) {
                    return Err(ScimError::invalid_value("members: a group is not in itself"));
                }
                bulk::leave_out(&mut operation.body, left_out);
            }
            (Part::Rest, _) => {
                operation.method = Method::Put;
                operation.target = sent.bulk_id.as_ref().and_then(|name| self.made.get(name)).cloned().unwrap_or_default();
            }
            _ => {}
        }
        bulk::resolve(&mut operation, &self.made)?;
        let Operation { method, kind, target, .. } = &operation;
        Ok((Begun { step, method: *method, kind: *kind, target: target.clone() }, change(operation)?))
    }

    fn done(&mut self, one: &Begun, done: Result<Done, ScimError>) {
        let address = |id: &str| format!("{}/{}/{id}", self.feed.base_url(), one.kind.endpoint());
        let (id, version, error) = match done {
            Ok(Done::Stored(stored)) => (stored.id.to_string(), Some(stored.version), None),
            Ok(Done::Removed) => (one.target.clone(), None, None),
            Err(error) => (one.target.clone(), None, Some(error)),
        };
        let made = one.method == Method::Post || one.step.part == Part::Rest;
        let status = match (&error, one.method) {
            (Some(error), _) => error.status,
            (None, _) if made => 201,
            (None, Method::Delete) => 204,
            (None, _) => 200,
        };
        let location = Some(address(&id)).filter(|_| !id.is_empty());
        let at = one.step.at;
        if let Some(error) = &error {
            self.refused(at, error);
        } else if let Some(name) = self.request.operations.get(at).and_then(|sent| sent.bulk_id.clone()).filter(|_| made) {
            self.made.insert(name, id);
        }
        match (one.step.part, location) {
            (Part::Bare, Some(location)) if error.is_none() => drop(self.bare.insert(at, location)),
            (part, location) => {
                if part == Part::Rest {
                    self.bare.remove(&at);
                }
                self.outcomes.push(Outcome { at, status, location, version, error });
            }
        }
    }

    /// Counts a failure; whoever looks into the feed reads the first.
    fn refused(&mut self, at: usize, error: &ScimError) {
        self.failures += 1;
        self.feed.trail.refused(|| format!("operation {}: {}", at + 1, error.detail));
    }

    /// The address of the resource that an operation is about, where it names one: every answer but that of a failed POST has it.
    fn named(&self, at: usize) -> Option<String> {
        let (kind, target) = self.request.operations.get(at)?.target.as_ref()?;
        let id = match target.strip_prefix(bulk::REFERENCE) {
            Some(name) => self.made.get(name)?,
            None => target,
        };
        Some(format!("{}/{}/{id}", self.feed.base_url(), kind.endpoint()))
    }

    /// An operation that was not even begun, or not ended.
    fn failed(&mut self, at: usize, error: ScimError) {
        self.refused(at, &error);
        let location = self.bare.remove(&at).or_else(|| self.named(at));
        self.outcomes.push(Outcome { at, status: error.status, location, version: None, error: Some(error) });
    }

    /// What was made, and did not get its references any more.
    fn left(&mut self) {
        while let Some((at, location)) = self.bare.pop_first() {
            let error = ScimError::new(409, "it was made, but the request ended before what it refers to: change it in another request");
            self.outcomes.push(Outcome { at, status: error.status, location: Some(location), version: None, error: Some(error) });
        }
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
