//! Beginning a review: the roles that people hold on that day, each with its last use, and who decides on it.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::roles::may_take;
use super::super::unit_tree::Tree;
use super::invite::{self, Invitations};
use super::read::Review;
use super::seat::Seat;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::application_use;
use crate::store::establishment::assignment::{self, Origin, Standing};
use crate::store::establishment::campaign::{self, Campaign, CampaignState, Extent};
use crate::store::establishment::review_item::{self, ReviewItem};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::store::{self, Tx};
use crate::types::Invalid;
use crate::types::id::{ApplicationId, CampaignId, ReviewItemId, UserId};
use crate::types::page::PageRequest;
use crate::types::permission::{APPLICATION, GatewayRole, Permission};
use crate::types::time::Timestamp;
use crate::types::wording;

/// Longest title, in characters.
const TITLE_LENGTH_MAX: usize = 200;
/// Most reviewers that one review names.
const REVIEWERS_MAX: usize = 100;
/// Most roles that one review looks at: more is nobody's to read.
const ITEMS_MAX: usize = 20_000;
/// Longest time a review may take, in seconds: a year.
const DURATION_MAX_S: i64 = 366 * 24 * 3600;
/// People looked at in one step.
const STEP: i64 = 1_000;

/// A review to begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// Its name in commands: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What people read; the name when left out.
    #[serde(default)]
    pub title: String,
    /// Until when reviewers are asked to decide.
    pub due_at: Timestamp,
    /// Which roles are looked at, and who decides.
    pub extent: Extent,
}

/// Begins a review, and writes to whoever is to decide.
///
/// # Errors
/// `Invalid` with every field that does not fit; `Conflict` when the name is taken; `Forbidden` when it would look at roles of the gateway that
/// the caller may not give.
pub async fn create(ctx: &Context, new: &NewCampaign) -> Result<Review, Error> {
    ctx.require(Permission::ManageRoles)?;
    check_fields(ctx, new)?;
    let title = new.title.trim();
    let made = Campaign {
        id: CampaignId::new(),
        name: new.name.clone(),
        title: if title.is_empty() { new.name.clone() } else { title.to_owned() },
        extent: new.extent.clone(),
        state: CampaignState::Open,
        due_at: new.due_at,
        reminded_at: None,
        created_by: ctx.actor.label(),
        created_at: ctx.now,
        closed_at: None,
    };
    let items = picture_of(ctx, &made).await?;
    let invitations = Invitations::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    campaign::insert(&mut tx, &made).await.map_err(|error| match error {
        store::Error::Taken(_) => Error::Conflict(format!("there is a review «{}» already: choose another name", made.name)),
        other => other.into(),
    })?;
    review_item::insert_all(&mut tx, &items).await?;
    let detail = json!({ "name": made.name, "extent": made.extent, "due_at": made.due_at, "items": items.len() });
    audit::record_in(&mut tx, ctx, "review.created", ("review", &made.id.to_string()), detail).await?;
    invitations.write_in(&mut tx, ctx, &made, false).await?;
    let progress = review_item::progress(&mut tx, made.id, None).await?;
    tx.commit().await?;
    invitations.hurry(ctx).await;
    invite::begin(ctx, &made).await;
    Ok(Review { campaign: made, progress })
}

/// The roles that people hold at one moment. Everyone is looked at, so nobody who writes waits for it.
async fn picture_of(ctx: &Context, campaign: &Campaign) -> Result<Vec<ReviewItem>, Error> {
    let mut tx = ctx.store.snapshot().await?;
    let applications = application::list(&mut tx).await?;
    let reviewers = user::list_by_ids(&mut tx, &campaign.extent.reviewers).await?;
    check_names(&campaign.extent, &applications, &reviewers)?;
    let turns = Turns::load(&mut tx, ctx, &campaign.extent).await?;
    Picture { ctx, campaign, applications: &applications, turns }.take_in(&mut tx).await
}

/// What is wrong with a review whatever the store holds.
fn check_fields(ctx: &Context, new: &NewCampaign) -> Result<(), Error> {
    let mut wrong = Vec::new();
    wrong.extend(wording::wrong_name("name", "a review", &new.name));
    if new.name.parse::<CampaignId>().is_ok() {
        wrong.push(Invalid::new("name", "has the form of a key: choose another name"));
    }
    if new.title.chars().count() > TITLE_LENGTH_MAX || new.title.chars().any(char::is_control) {
        wrong.push(Invalid::new("title", format!("has at most {TITLE_LENGTH_MAX} characters, on one line")));
    }
    if new.due_at <= ctx.now || new.due_at > ctx.now.plus_s(DURATION_MAX_S) {
        wrong.push(Invalid::new("due_at", "lies in the future, within a year"));
    }
    let extent = &new.extent;
    if extent.application.is_none() && extent.role.is_some() {
        wrong.push(Invalid::new("extent.role", "is a role of an application: name that too"));
    }
    if extent.unused_since.is_some_and(|since| since > ctx.now) {
        wrong.push(Invalid::new("extent.unused_since", "must lie in the past"));
    }
    if extent.reviewers.is_empty() && !extent.by_unit {
        wrong.push(Invalid::new("extent.reviewers", "name who decides, or leave it to the administrators of units (by_unit)"));
    }
    if extent.reviewers.len() > REVIEWERS_MAX {
        wrong.push(Invalid::new("extent.reviewers", format!("are at most {REVIEWERS_MAX}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// What is wrong with whom and what a review names.
fn check_names(extent: &Extent, applications: &[Application], reviewers: &[User]) -> Result<(), Error> {
    let mut wrong = Vec::new();
    let application = extent.application.as_ref().map(|name| (name, applications.iter().find(|known| known.name == *name)));
    match (&application, &extent.role) {
        (Some((name, None)), _) => wrong.push(Invalid::new("extent.application", format!("there is no application «{name}»"))),
        (Some((_, Some(known))), Some(role)) if !known.roles.iter().any(|one| one.name == *role) => {
            wrong.push(Invalid::new("extent.role", format!("«{role}» is not a role of {}", known.name)));
        }
        _ => {}
    }
    let may_decide = |id: &UserId| reviewers.iter().any(|one| one.id == *id && one.status == UserStatus::Active);
    if let Some(id) = extent.reviewers.iter().find(|id| !may_decide(id)) {
        wrong.push(Invalid::new("extent.reviewers", format!("{id} is nobody who may sign in")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// The roles of one day.
struct Picture<'a> {
    ctx: &'a Context,
    campaign: &'a Campaign,
    applications: &'a [Application],
    turns: Turns,
}

impl Picture<'_> {
    async fn take_in(&mut self, tx: &mut Tx) -> Result<Vec<ReviewItem>, Error> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let people = user::list_after(tx, after, STEP).await?;
            let Some(last) = people.last().map(|person| person.id) else { break };
            let standing = assignment::list_between(tx, after, last).await?;
            let last_uses = application_use::list_between(tx, after, last).await?;
            let used: HashMap<(UserId, ApplicationId), Timestamp> =
                last_uses.into_iter().map(|(user, application, at)| ((user, application), at)).collect();
            after = Some(last);
            let wanted: Vec<&User> =
                people.iter().filter(|person| person.status == UserStatus::Active && self.is_of_unit(person)).collect();
            for person in wanted {
                let start = standing.partition_point(|row| row.user_id < person.id);
                let held = standing.iter().skip(start).take_while(|row| row.user_id == person.id);
                self.of_person(person, held, &used, &mut items)?;
            }
            if items.len() > ITEMS_MAX {
                return Err(Error::invalid(
                    "extent",
                    format!("this is more than {ITEMS_MAX} roles: review one application or unit at a time"),
                ));
            }
        }
        if items.is_empty() {
            return Err(Error::invalid("extent", "nobody holds such a role: there is nothing to decide"));
        }
        Ok(items)
    }

    fn of_person<'s>(
        &mut self,
        person: &User,
        held: impl Iterator<Item = &'s Standing>,
        used: &HashMap<(UserId, ApplicationId), Timestamp>,
        items: &mut Vec<ReviewItem>,
    ) -> Result<(), Error> {
        let mut reviewer: Option<Option<UserId>> = None;
        for row in held {
            let Some(application) = self.applications.iter().find(|known| known.id == row.application_id) else { continue };
            let last_used_at = used.get(&(person.id, row.application_id)).copied();
            if !self.looks_at(row, application, last_used_at) {
                continue;
            }
            // Whoever decides takes this away in the name of who began the review.
            if application.name == APPLICATION {
                may_take(self.ctx, &application.name, &row.role)?;
            }
            let reviewer = if application.name == APPLICATION {
                self.turns.next_of_gateway(person, row)
            } else {
                *reviewer.get_or_insert_with(|| self.turns.next(person))
            };
            items.push(ReviewItem {
                id: ReviewItemId::new(),
                campaign_id: self.campaign.id,
                reviewer_id: reviewer,
                user_id: person.id,
                username: person.username.clone(),
                display_name: person.display_name.clone(),
                application: application.name.clone(),
                role: row.role.clone(),
                scope: row.scope.clone(),
                origin: row.origin,
                last_used_at,
                last_sign_in_at: person.last_sign_in_at,
                decision: None,
                reason: None,
                decided_by: None,
                decided_at: None,
                outcome: None,
            });
        }
        Ok(())
    }

    /// Default roles are everyone's, and nobody decides on them.
    fn looks_at(&self, row: &Standing, application: &Application, last_used_at: Option<Timestamp>) -> bool {
        let (extent, now) = (&self.campaign.extent, self.ctx.now);
        let holds = now.is_within(row.valid_from, row.valid_until);
        let unused = extent.unused_since.is_none_or(|since| last_used_at.is_none_or(|used| used < application_use::day(since)));
        row.origin != Origin::Default
            && holds
            && unused
            && extent.application.as_ref().is_none_or(|name| *name == application.name)
            && extent.role.as_ref().is_none_or(|role| *role == row.role)
    }

    fn is_of_unit(&self, person: &User) -> bool {
        self.turns.units.as_ref().is_none_or(|units| {
            let own = person.home_unit.iter().chain(&person.units);
            own.into_iter().any(|unit| units.contains(unit))
        })
    }
}

/// Who decides: each in turn, so that everyone has about as much.
struct Turns {
    /// The units that are looked at, when not all are.
    units: Option<BTreeSet<String>>,
    named: Vec<UserId>,
    /// Those who are named, when roles of the gateway are looked at.
    seats: Vec<(UserId, Seat)>,
    of_units: HashMap<String, Vec<UserId>>,
    given: HashMap<UserId, usize>,
}

impl Turns {
    async fn load(tx: &mut Tx, ctx: &Context, extent: &Extent) -> Result<Self, Error> {
        let mut of_units: HashMap<String, Vec<UserId>> = HashMap::new();
        if extent.by_unit {
            let filter = assignment::Filter {
                application: Some(APPLICATION.to_owned()),
                role: Some(GatewayRole::UnitAdministrator.name().to_owned()),
                ..assignment::Filter::default()
            };
            let given = assignment::list(tx, &PageRequest::first(store::dialect::ROWS_MAX), &filter).await?.items;
            let holds = |one: &assignment::Assignment| !one.scope.is_empty() && ctx.now.is_within(one.valid_from, one.valid_until);
            let given: Vec<_> = given.into_iter().filter(holds).collect();
            let holders: Vec<UserId> = given.iter().map(|one| one.user_id).collect::<BTreeSet<_>>().into_iter().collect();
            let active: BTreeSet<UserId> = user::list_by_ids(tx, &holders)
                .await?
                .into_iter()
                .filter(|person| person.status == UserStatus::Active)
                .map(|person| person.id)
                .collect();
            for one in given.into_iter().filter(|one| active.contains(&one.user_id)) {
                of_units.entry(one.scope).or_default().push(one.user_id);
            }
        }
        let units = match &extent.unit {
            Some(unit) => Some(units_below_in(tx, unit).await?),
            None => None,
        };
        let mut seats = Vec::new();
        if extent.application.as_ref().is_none_or(|name| name == APPLICATION) {
            for id in &extent.reviewers {
                seats.push((*id, Seat::of_in(tx, ctx, *id).await?));
            }
        }
        Ok(Self { units, named: extent.reviewers.clone(), seats, of_units, given: HashMap::new() })
    }

    /// Who decides on a role of the gateway: of those who are named, one who could take it away without any review. Nobody when there is none.
    fn next_of_gateway(&mut self, person: &User, row: &Standing) -> Option<UserId> {
        let may = |(id, seat): &&(UserId, Seat)| *id != person.id && seat.takes(person, &row.role, &row.scope);
        let load = |(id, _): &&(UserId, Seat)| self.given.get(id).copied().unwrap_or_default();
        let chosen = self.seats.iter().filter(may).min_by_key(load).map(|(id, _)| *id)?;
        *self.given.entry(chosen).or_default() += 1;
        Some(chosen)
    }

    /// Who decides on a person's roles: never they themselves.
    fn next(&mut self, person: &User) -> Option<UserId> {
        let of_unit = person.home_unit.as_ref().and_then(|unit| self.of_units.get(unit));
        let may = |id: &&UserId| **id != person.id;
        let of_unit = of_unit.into_iter().flatten().filter(may).min_by_key(|id| self.given.get(*id).copied().unwrap_or_default());
        let chosen = of_unit.or_else(|| self.named.iter().filter(may).min_by_key(|id| self.given.get(*id).copied().unwrap_or_default()));
        let chosen = *chosen?;
        *self.given.entry(chosen).or_default() += 1;
        Some(chosen)
    }
}

/// A unit with all those below it; one that is not in the tree stands for itself.
async fn units_below_in(tx: &mut Tx, unit: &str) -> Result<BTreeSet<String>, Error> {
    let tree = Tree::load(tx).await?;
    let mut units: BTreeSet<String> = tree.within(unit).into_iter().map(str::to_owned).collect();
    units.insert(unit.to_owned());
    Ok(units)
}
