//! Takes a run back from its change log, last change first, as far as nothing touched the same things since: what did is left as it is and
//! told by name. Asks no directory.

mod fields;
mod groups;
mod later;
mod members;
mod people;

use std::collections::HashSet;
use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::leases::Lease;
use super::super::logout_notices;
use super::super::roles::{self, Pass};
use super::super::schedules;
use super::super::sources;
use super::attempt::elapsed_ms;
use super::broken;
use super::journal::Journal;
use crate::store::Tx;
use crate::store::establishment::change::{self, Change, ChangeKind, Operation};
use crate::store::establishment::source;
use crate::store::establishment::sync_run::{self, Counts, Mode, Progress, Run, StartedBy, State};
use crate::types::id::{GroupId, RunId, UserId};
use crate::types::permission::Permission;
use later::Later;

/// Changes taken back in one transaction.
const AT_ONCE: i64 = 50;
/// Said of a run that was broken off by another node.
const LOST: &str = "this program was away for too long, and another ended the run: undo it again, and what is left of it is taken back";

/// An undo that began, held by this node.
#[derive(Debug)]
struct Begun {
    target: Run,
    run: Run,
    lease: Lease,
}

/// Starts taking a run back; the work goes on by itself. A preview names what would be taken back, and what not, and writes nothing.
/// The source runs by itself no more until a person has it run or enables it: its next run would only do the same again.
///
/// # Errors
/// `NotFound`; `Conflict` for a run that changed nothing or was taken back already, and while another run of the source is under way.
pub async fn undo(ctx: &Context, id: RunId, preview: bool) -> Result<Run, Error> {
    let begun = begin(ctx, id, preview).await?;
    let (ctx, started) = (ctx.clone(), begun.run.clone());
    tokio::spawn(async move {
        if let Err(error) = carry_out(&ctx, begun).await {
            tracing::error!(%error, "the end of an undo cannot be written down");
        }
    });
    Ok(started)
}

/// Takes a run back and waits for the end.
///
/// # Errors
/// As `undo`; how the undo itself ended is in its `state`.
pub async fn undo_to_end(ctx: &Context, id: RunId, preview: bool) -> Result<Run, Error> {
    let begun = begin(ctx, id, preview).await?;
    carry_out(ctx, begun).await
}

async fn begin(ctx: &Context, id: RunId, preview: bool) -> Result<Begun, Error> {
    ctx.require(Permission::ManageSources)?;
    let target = target_in(&mut ctx.store.read().await?, id).await?;
    broken::end_of_source(ctx, &target.source).await?;
    let own = RunId::new();
    let lease = broken::hold(ctx, own).await?;
    match insert(ctx, id, own, preview).await {
        Ok((target, run)) => Ok(Begun { target, run, lease }),
        Err(error) => {
            broken::let_go(lease).await;
            Err(error)
        }
    }
}

/// The run to take back, when it is one that can be.
async fn target_in(tx: &mut Tx, id: RunId) -> Result<Run, Error> {
    let run = sync_run::find(tx, id).await?.ok_or_else(|| Error::not_found("run"))?;
    let source = source::find(tx, run.source_id).await?;
    let why = match (run.mode, run.state) {
        _ if source.is_some_and(|source| source.route.is_some()) => "this run fed establishments: take back the run of each one there",
        (Mode::Full | Mode::Changes, State::Done | State::Failed) => return Ok(run),
        (Mode::Undo, _) => "an undo is not taken back: have the source run again, and it does what was undone",
        (_, State::Undone) => "this run was taken back already",
        (_, State::Queued | State::Running) => "this run is under way: wait for its end",
        _ => "this run changed nothing",
    };
    Err(Error::Conflict(why.to_owned()))
}

async fn insert(ctx: &Context, id: RunId, own: RunId, preview: bool) -> Result<(Run, Run), Error> {
    let standing = target_in(&mut ctx.store.read().await?, id).await?;
    let announced = schedules::announce(ctx, standing.source_id, !preview).await?;
    let mut tx = ctx.store.begin().await?;
    let target = target_in(&mut tx, id).await?;
    if let Some(other) = sync_run::find_unfinished(&mut tx, target.source_id).await? {
        return Err(Error::Conflict(format!("a run of «{}» is under way ({other}): wait for its end", target.source)));
    }
    let run = Run {
        id: own,
        mode: if preview { Mode::Preview } else { Mode::Undo },
        state: State::Running,
        counts: Counts::default(),
        error: None,
        approved_by: None,
        started_at: ctx.now,
        duration_ms: None,
        progress: None,
        undoes: Some(id),
        started_by: StartedBy::Hand,
        note: None,
        ..target.clone()
    };
    sync_run::insert(&mut tx, &run).await?;
    if !preview {
        let why = format!("the run {id} was taken back: the source waits for a person to run it or to resume it");
        sources::pause_in(&mut tx, ctx, target.source_id, why).await?;
    }
    let detail = json!({ "source": target.source, "run": own, "preview": preview });
    audit::record_in(&mut tx, ctx, "run.undo_started", ("run", &id.to_string()), detail).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    Ok((target, run))
}

/// Goes on with an undo that another node left. What it took back already stands as it was before, and is passed over.
///
/// # Errors
/// When the store fails; how the undo itself ended is in its row.
pub(super) async fn carry_on(ctx: &Context, run: Run, lease: &Lease) -> Result<(), Error> {
    let target = run.undoes.ok_or_else(|| Error::Internal("an undo names the run it takes back, and this one does not".to_owned()))?;
    let mut tx = ctx.store.begin().await?;
    let target = sync_run::find(&mut tx, target).await?.ok_or_else(|| Error::not_found("run"))?;
    // What it left is looked at and told once more.
    change::delete_of_operation(&mut tx, run.id, Operation::Skipped).await?;
    tx.commit().await?;
    let counts = Counts { skipped: 0, ..run.counts };
    go(ctx, &target, Run { counts, ..run }, lease).await.map(drop)
}

/// Carries an undo out and writes its end down, whichever it is.
async fn carry_out(ctx: &Context, begun: Begun) -> Result<Run, Error> {
    let Begun { target, run, lease } = begun;
    let ended = go(ctx, &target, run, &lease).await;
    broken::let_go(lease).await;
    ended
}

async fn go(ctx: &Context, target: &Run, run: Run, lease: &Lease) -> Result<Run, Error> {
    let clock = Instant::now();
    let attempted = tokio::select! {
        ended = attempt(ctx, target, run.clone(), clock) => ended,
        () = lease.lost() => Err(Error::Conflict(LOST.to_owned())),
    };
    let ended = match attempted {
        Ok(ended) => ended,
        Err(error) => fail(ctx, run.id, &error, elapsed_ms(clock)).await?,
    };
    tracing::info!(run.id = %ended.id, undoes = %target.id, source = %ended.source, state = ?ended.state,
        duration_ms = ended.duration_ms, skipped = ended.counts.skipped, error = ended.error.as_deref(), "undo ended");
    Ok(ended)
}

async fn fail(ctx: &Context, id: RunId, error: &Error, duration_ms: i64) -> Result<Run, Error> {
    let mut tx = ctx.store.begin().await?;
    let run = sync_run::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("run"))?;
    if run.state != State::Running {
        return Ok(run);
    }
    let error = format!("{error}. What was taken back until then is listed: undo the run again, and the rest follows");
    let failed = Run { state: State::Failed, error: Some(error), duration_ms: Some(duration_ms), ..run };
    sync_run::update(&mut tx, &failed).await?;
    tx.commit().await?;
    Ok(failed)
}

async fn attempt(ctx: &Context, target: &Run, run: Run, clock: Instant) -> Result<Run, Error> {
    let later = Later::load(ctx, target).await?;
    let mut undo = Undo {
        ctx,
        target,
        preview: run.mode == Mode::Preview,
        journal: Journal::after(run.id, run.progress.map_or(0, |progress| progress.noted)),
        // Whoever broke off may have left roles behind.
        everyone: run.progress.is_some(),
        run,
        later,
        notes: Vec::new(),
        touched: Vec::new(),
        freed: HashSet::new(),
        waiting: Vec::new(),
        out: HashSet::new(),
        unnested: HashSet::new(),
        back: HashSet::new(),
    };
    let mut before = i64::MAX;
    loop {
        let changes = change::list_before(&mut ctx.store.read().await?, target.id, before, AT_ONCE).await?;
        let Some(last) = changes.last() else { break };
        before = last.seq;
        undo.step(&changes, false).await?;
    }
    // Names that went round among some people: all of them give theirs up before anyone takes another.
    let waiting = std::mem::take(&mut undo.waiting);
    if !waiting.is_empty() {
        undo.step(&waiting, true).await?;
    }
    undo.finish(clock).await
}

/// What is told of one change that is taken back, or is not.
#[derive(Debug)]
struct Note {
    what: (ChangeKind, Operation),
    subject: Option<Uuid>,
    name: String,
    detail: Option<Value>,
}

/// One undo at work.
#[derive(Debug)]
struct Undo<'a> {
    ctx: &'a Context,
    target: &'a Run,
    preview: bool,
    run: Run,
    journal: Journal,
    later: Later,
    /// What is to be told of the step under way.
    notes: Vec<Note>,
    /// People whose roles may be others after the step.
    touched: Vec<UserId>,
    /// Whether anyone's may, after all.
    everyone: bool,
    /// People who gave their names up, in a preview too.
    freed: HashSet<UserId>,
    /// Changes of names that are still another's.
    waiting: Vec<Change>,
    /// Who would be out of which group by now, groups that would be out of which, and groups that would be there again: in a preview, where
    /// none of it is written.
    out: HashSet<(GroupId, UserId)>,
    unnested: HashSet<(GroupId, GroupId)>,
    back: HashSet<GroupId>,
}

impl Undo<'_> {
    /// Takes some changes back in one transaction, with what is told of them. A preview only tells.
    async fn step(&mut self, changes: &[Change], parked: bool) -> Result<(), Error> {
        let notices = logout_notices::announce(self.ctx).await?;
        let mut tx = self.ctx.store.begin().await?;
        self.still_ours_in(&mut tx).await?;
        if parked {
            self.park(&mut tx, changes).await?;
        }
        for change in changes {
            match change.kind {
                _ if change.operation == Operation::Quarantined => {}
                ChangeKind::User => self.person(&mut tx, change, parked).await?,
                ChangeKind::Group => self.group(&mut tx, change).await?,
                ChangeKind::Membership => self.members(&mut tx, change).await?,
            }
        }
        let touched = std::mem::take(&mut self.touched);
        if !self.preview && !touched.is_empty() {
            roles::recompute_users_in(&mut tx, self.ctx, &touched).await?;
        }
        for note in std::mem::take(&mut self.notes) {
            self.journal.note(&mut tx, note.what, note.subject, &note.name, note.detail).await?;
        }
        self.journal.flush(&mut tx).await?;
        if !self.preview {
            self.run.progress = Some(Progress { noted: self.journal.written(), ..Progress::default() });
        }
        sync_run::update(&mut tx, &self.run).await?;
        tx.commit().await?;
        if !self.preview {
            notices.hurry(self.ctx).await;
        }
        Ok(())
    }

    async fn finish(mut self, clock: Instant) -> Result<Run, Error> {
        let mut pass = (self.everyone && !self.preview).then(Pass::over_everyone);
        let mut more = pass.is_some();
        while let Some(pass) = pass.as_mut().filter(|_| more) {
            let mut tx = self.ctx.store.begin().await?;
            self.still_ours_in(&mut tx).await?;
            more = pass.step_in(&mut tx, self.ctx).await?;
            tx.commit().await?;
        }
        let mut tx = self.ctx.store.begin().await?;
        self.still_ours_in(&mut tx).await?;
        if !self.preview {
            if let Some(pass) = pass {
                pass.note_in(&mut tx, self.ctx).await?;
            }
            let target = sync_run::find(&mut tx, self.target.id).await?.ok_or_else(|| Error::not_found("run"))?;
            sync_run::update(&mut tx, &Run { state: State::Undone, ..target }).await?;
            let detail = json!({ "source": self.target.source, "run": self.run.id, "skipped": self.run.counts.skipped });
            audit::record_in(&mut tx, self.ctx, "run.undone", ("run", &self.target.id.to_string()), detail).await?;
        }
        self.run.state = State::Done;
        self.run.duration_ms = Some(elapsed_ms(clock));
        sync_run::update(&mut tx, &self.run).await?;
        tx.commit().await?;
        Ok(self.run)
    }

    /// Fails when another ended the run, believing its node gone.
    async fn still_ours_in(&self, tx: &mut Tx) -> Result<(), Error> {
        match sync_run::find(tx, self.run.id).await? {
            Some(known) if known.state == State::Running => Ok(()),
            _ => Err(Error::Conflict(LOST.to_owned())),
        }
    }

    /// Notes and counts something that is taken back.
    fn note(&mut self, of: &Change, operation: Operation, name: &str, detail: Option<Value>) {
        let counts = &mut self.run.counts;
        match operation {
            Operation::Created => counts.created += 1,
            Operation::Updated => counts.updated += 1,
            Operation::Moved => counts.moved += 1,
            Operation::Disabled => counts.disabled += 1,
            Operation::Enabled => counts.enabled += 1,
            Operation::Removed => counts.removed += 1,
            Operation::Skipped => counts.skipped += 1,
            // Counted by how many they are.
            Operation::Quarantined
            | Operation::MembersAdded
            | Operation::MembersRemoved
            | Operation::RolesGained
            | Operation::RolesLost => {}
        }
        self.notes.push(Note { what: (of.kind, operation), subject: of.subject_id, name: name.to_owned(), detail });
    }

    /// Notes something that is left as it is, and why.
    fn skip(&mut self, of: &Change, name: &str, why: &str) {
        self.note(of, Operation::Skipped, name, Some(json!({ "reason": why })));
    }
}
