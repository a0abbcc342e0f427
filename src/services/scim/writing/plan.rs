//! What becomes of a person when a feed has spoken: worked out by reading alone, then written. Other sources that state the person are heard too.

use serde_json::{Value, json};

use super::super::super::sync::{Declared, Others, Standing, Turn, Voices, Word, differences, elsewhere, state};
use super::super::super::users::{self, facts};
use super::super::change::Stop;
use super::super::error::ScimError;
use super::super::guard::{self, Taking};
use super::Work;
use crate::store::establishment::member;
use crate::store::establishment::source_state::Taken;
use crate::store::establishment::statement::{Stated, Statement};
use crate::store::establishment::user::{self, DisabledBy, User};
use crate::types::fold_case;

/// What a feed says of a person.
#[derive(Clone, Debug)]
pub enum Said {
    /// They are there, and may sign in or not.
    Here(Box<Stated>, bool),
    /// They are there no more.
    Gone,
}

/// What becomes of someone.
#[derive(Debug)]
pub struct Plan {
    before: User,
    after: User,
    turn: Turn,
    /// What is taken from them.
    taken: Taken,
    /// What all sources say, where others state the person too, with the feed's own word.
    voices: Option<(Voices, Option<Statement>)>,
}

impl Plan {
    /// Works it out. Nothing is written.
    ///
    /// # Errors
    /// 409 `uniqueness` for a user name that is somebody else's; 503 when the guard holds it.
    pub async fn of(work: &mut Work<'_>, before: User, said: Said) -> Result<Self, Stop> {
        let source = work.source();
        let rows = elsewhere(work.tx, source, &[before.id]).await?;
        let rows = rows.get(&before.id).map(Vec::as_slice).unwrap_or_default();
        let (stand, others, voices) = match (&said, rows.is_empty()) {
            (Said::Here(_, active), true) => (Word::of(true, *active), Others::NONE, None),
            (Said::Gone, true) => (Word::Gone, Others::NONE, None),
            (said, false) => {
                let stand = match said {
                    Said::Here(_, active) => Word::of(true, *active),
                    Said::Gone => Word::Gone,
                };
                let voices = Voices::load(work.tx, source, &[&before]).await?;
                (stand, Declared::load(work.tx).await?.others(source, rows), Some(voices))
            }
        };
        let gone = matches!(said, Said::Gone);
        let mut after = before.clone();
        let voices = match (said, voices) {
            (Said::Here(stated, _), None) => {
                state(&mut after, *stated);
                None
            }
            (Said::Gone, None) => None,
            (Said::Here(stated, _), Some(voices)) => {
                state(&mut after, voices.with(before.id, source, &stated));
                let external_id = before.id.to_string();
                let own = Statement { source_id: source, external_id, user_id: before.id, stated: *stated, present: true };
                Some((voices, Some(own)))
            }
            (Said::Gone, Some(voices)) => {
                if let Some(left) = voices.without(before.id, source) {
                    state(&mut after, Stated { username: before.username.clone(), ..left });
                }
                Some((voices, None))
            }
        };
        let turn = Turn::of(Standing::of(before.status, before.disabled_by), others.may_enter(stand));
        // Whoever goes is in no group of the feed any more, whether they could sign in or not.
        let memberships = if gone { member::count_of_user(work.tx, source, before.id).await?.unsigned_abs() } else { 0 };
        let taken = Taken { people: u64::from(turn == Turn::Disable), groups: 0, memberships };
        let plan = Self { before, after, turn, taken, voices };
        plan.name_is_free(work).await?;
        let operation = if gone { "delete" } else { "deactivate" };
        guard::look(work, &Taking::person(operation, plan.before.id.uuid(), &plan.before.username, taken)).await?;
        Ok(plan)
    }

    async fn name_is_free(&self, work: &mut Work<'_>) -> Result<(), Stop> {
        let wanted = &self.after.username;
        if fold_case(wanted) == fold_case(&self.before.username) {
            return Ok(());
        }
        match user::find_by_username(work.tx, wanted).await? {
            Some(other) if other.id != self.before.id => {
                Err(Stop::refused(ScimError::uniqueness(format!("userName: «{wanted}» is somebody else's in this establishment"))))
            }
            _ => Ok(()),
        }
    }

    /// Whether it changes nothing of a person whom nobody else states.
    pub fn is_idle(&self) -> bool {
        self.turn == Turn::Keep && self.voices.is_none() && differences(&self.before, &self.after).is_empty()
    }

    /// Writes it. The link is there already. Answers whether anything of the person changed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write(self, work: &mut Work<'_>) -> Result<bool, Stop> {
        work.batch.writes();
        let Self { before, after, turn, taken, voices } = self;
        if let Some((voices, Some(own))) = &voices {
            voices.keep_in(work.tx, std::slice::from_ref(own)).await?;
        }
        let detail = differences(&before, &after);
        let differs = !detail.is_empty();
        let id = after.id;
        guard::count(work, taken).await?;
        let units: Vec<String> =
            after.units.iter().chain(after.home_unit.as_ref()).filter(|unit| !before.units.contains(unit)).cloned().collect();
        if !units.is_empty() {
            work.batch.units.entry(work.feed.source.id).or_default().extend(units);
        }
        if differs {
            work.note("user.updated", ("user", &id.to_string()), Value::Object(detail));
        }
        let after = User { updated_at: work.ctx().now, ..after };
        match turn {
            Turn::Disable => drop(users::disable_in(work.tx, &work.feed.ctx, after, DisabledBy::Source).await?),
            Turn::Enable => drop(users::enable_in(work.tx, &work.feed.ctx, after).await?),
            Turn::Keep if differs => facts::restate_in(work.tx, &after).await?,
            Turn::Keep => {}
        }
        if differs || turn != Turn::Keep {
            work.batch.touched.insert(id);
        }
        Ok(differs || turn != Turn::Keep)
    }
}

/// What the trail says of someone new.
pub fn newcomer(stated: &Stated) -> Value {
    json!({ "username": stated.username, "display_name": stated.display_name })
}
