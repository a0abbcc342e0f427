//! Letters to people whose roles changed (OME-47): one for all the changes of a transaction or a run, and none when there would be too many.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::mail::{self, Letter, Recipient, RoleLine, RolesChanged};
use crate::i18n;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::user::User;
use crate::types::id::{ApplicationId, UserId};
use crate::types::locale::Locale;
use crate::types::permission::{APPLICATION, GatewayRole};
use crate::types::time::Timestamp;

/// Beyond so many people, nobody is written to: what changes for so many is told otherwise.
const PEOPLE_MAX: usize = 200;

/// A role in its scope.
type Pair = (String, String);

/// What changed for one person, in applications that have people written to.
#[derive(Debug)]
pub struct Change {
    user: UserId,
    recipient: Option<Recipient>,
    gained: BTreeMap<(ApplicationId, Pair), Option<Timestamp>>,
    lost: BTreeSet<(ApplicationId, Pair)>,
}

impl Change {
    /// Nothing yet.
    pub fn of(user: &User) -> Self {
        Self { user: user.id, recipient: Recipient::of(user), gained: BTreeMap::new(), lost: BTreeSet::new() }
    }

    /// Who.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }

    /// They hold a role now.
    pub fn gain(&mut self, application: ApplicationId, pair: Pair, until: Option<Timestamp>) {
        self.gained.insert((application, pair), until);
    }

    /// They hold a role no more.
    pub fn lose(&mut self, application: ApplicationId, pair: Pair) {
        self.lost.insert((application, pair));
    }

    /// Adds what came later. What was taken and given back is nothing.
    fn absorb(&mut self, later: Self) {
        for (role, until) in later.gained {
            if !self.lost.remove(&role) {
                self.gained.insert(role, until);
            }
        }
        for role in later.lost {
            if self.gained.remove(&role).is_none() {
                self.lost.insert(role);
            }
        }
    }
}

/// Who is to be written to, and what about.
#[derive(Debug, Default)]
pub struct Telling {
    people: BTreeMap<UserId, Change>,
    /// How many were left out beyond the first.
    left_out: u64,
}

impl Telling {
    /// Adds what changed for someone. Whoever was only just added is not told of what they begin with.
    pub fn add(&mut self, change: Change, now: Timestamp) {
        if change.is_empty() || change.recipient.is_none() || is_new(change.user, now) {
            return;
        }
        if let Some(known) = self.people.get_mut(&change.user) {
            known.absorb(change);
        } else if self.people.len() <= PEOPLE_MAX {
            self.people.insert(change.user, change);
        } else {
            self.left_out += 1;
        }
    }

    /// Writes the letters, in the last transaction of the change.
    pub async fn write_in(mut self, tx: &mut Tx, ctx: &Context) -> Result<(), Error> {
        self.people.retain(|_, change| !change.is_empty());
        if self.people.is_empty() {
            return Ok(());
        }
        if self.people.len() > PEOPLE_MAX {
            let people = self.people.len() as u64 + self.left_out;
            let detail = json!({ "people": people, "most": PEOPLE_MAX });
            return audit::record_in(tx, ctx, "roles.letters_left_out", ("establishment", ctx.slug()), detail).await;
        }
        let applications = application::list(tx).await?.into_iter().map(|a| (a.id, a)).collect();
        let mut written = 0_u64;
        for change in self.people.into_values() {
            let letter = Letter::RolesChanged(Box::new(letter(ctx, &applications, &change)));
            let Some(recipient) = change.recipient else { continue };
            match mail::write_in(tx, ctx, &recipient, &letter, None).await {
                Ok(_) => written += 1,
                Err(Error::Invalid(_)) => tracing::info!(user.id = %change.user, "a person's address takes no letter about their roles"),
                Err(error) => return Err(error),
            }
        }
        tracing::debug!(establishment = ctx.slug(), written, "letters about roles were written");
        Ok(())
    }
}

/// Whether someone was added in this very act or run: keys tell when they were made.
fn is_new(user: UserId, now: Timestamp) -> bool {
    let made = user.uuid().get_timestamp().and_then(|made| i64::try_from(made.to_unix().0).ok());
    made.is_some_and(|made| made >= now.seconds())
}

fn letter(ctx: &Context, applications: &HashMap<ApplicationId, Application>, change: &Change) -> RolesChanged {
    let titled = |title: &str, name: &str| if title.is_empty() { name.to_owned() } else { title.to_owned() };
    let line = |application: &ApplicationId, (role, scope): &Pair, until: Option<Timestamp>| {
        let known = applications.get(application);
        let title = known.and_then(|a| a.roles.iter().find(|r| r.name == *role)).map(|r| r.title.as_str()).unwrap_or_default();
        // The gateway's own roles have a title in each language.
        let own = known.filter(|a| a.name == APPLICATION).and_then(|_| GatewayRole::from_name(role));
        let locale = change.recipient.as_ref().map_or_else(Locale::default, |recipient| recipient.locale);
        RoleLine {
            application: known.map_or_else(String::new, |a| titled(&a.title, &a.name)),
            role: own.map_or_else(|| titled(title, role), |own| i18n::text(locale, own.title())),
            scope: scope.clone(),
            until,
        }
    };
    let contact = &ctx.establishment.contact;
    let contact = [contact.given_name.as_deref(), contact.family_name.as_deref(), contact.email.as_deref()];
    RolesChanged {
        establishment: ctx.establishment.name.clone(),
        gained: change.gained.iter().map(|((application, pair), until)| line(application, pair, *until)).collect(),
        lost: change.lost.iter().map(|(application, pair)| line(application, pair, None)).collect(),
        contact: contact.into_iter().flatten().collect::<Vec<_>>().join(" "),
    }
}
