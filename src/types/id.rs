//! Identifiers of the things stores hold: UUID version 7, so that keys grow with time and pages of an index stay warm.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

use super::Invalid;

/// Declares one identifier type; ids of different things never mix.
trait Named {
    const NAME: &'static str;
}

fn parse<T: Named>(raw: &str) -> Result<Uuid, Invalid> {
    Uuid::parse_str(raw.trim()).map_err(|_| Invalid::new("id", format!("«{raw}» is not the identifier of a {}: give a UUID", T::NAME)))
}

/// One thing's identifier, typed by the thing.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id<T>(Uuid, #[serde(skip)] std::marker::PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// A new identifier, ordered by the time of its making.
    pub fn new() -> Self {
        Self::from(Uuid::now_v7())
    }

    /// The bare UUID, for the store.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl<T> Default for Id<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Uuid> for Id<T> {
    fn from(value: Uuid) -> Self {
        Self(value, std::marker::PhantomData)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<T: Named> FromStr for Id<T> {
    type Err = Invalid;
    fn from_str(raw: &str) -> Result<Self, Invalid> {
        parse::<T>(raw).map(Self::from)
    }
}

impl<T> utoipa::PartialSchema for Id<T> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Uuid)))
            .into()
    }
}
impl<T> utoipa::ToSchema for Id<T> {}

/// Marks identifiers of people.
#[derive(Debug)]
pub enum UserKind {}
/// Marks identifiers of groups.
#[derive(Debug)]
pub enum GroupKind {}
/// Marks identifiers of sources.
#[derive(Debug)]
pub enum SourceKind {}
/// Marks identifiers of sync runs.
#[derive(Debug)]
pub enum RunKind {}
/// Marks identifiers of applications.
#[derive(Debug)]
pub enum ApplicationKind {}
/// Marks identifiers of rules.
#[derive(Debug)]
pub enum RuleKind {}
/// Marks identifiers of assignments.
#[derive(Debug)]
pub enum AssignmentKind {}
/// Marks identifiers of grants: what one person allowed one client in one session.
#[derive(Debug)]
pub enum GrantKind {}
/// Marks identifiers of API tokens.
#[derive(Debug)]
pub enum TokenKind {}
/// Marks identifiers of establishments.
#[derive(Debug)]
pub enum EstablishmentKind {}
/// Marks identifiers of what an outbox holds.
#[derive(Debug)]
pub enum OutgoingKind {}
/// Marks identifiers of sessions: the `sid` of OpenID Connect, never the cookie.
#[derive(Debug)]
pub enum SessionKind {}

/// Marks identifiers of proposals: two entries that may be one person.
#[derive(Debug)]
pub enum ProposalKind {}

/// Marks identifiers of rule sets.
#[derive(Debug)]
pub enum RuleSetKind {}

/// Marks identifiers of acts on many establishments.
#[derive(Debug)]
pub enum BulkRunKind {}
/// Marks identifiers of one establishment's part in such an act.
#[derive(Debug)]
pub enum BulkItemKind {}

/// Marks identifiers of exclusions.
#[derive(Debug)]
pub enum ExclusionKind {}
/// Marks identifiers of reviews.
#[derive(Debug)]
pub enum CampaignKind {}
/// Marks identifiers of provisionings.
#[derive(Debug)]
pub enum ProvisioningKind {}
/// Marks identifiers of what was written to an application.
#[derive(Debug)]
pub enum ProvisionedKind {}
/// Marks identifiers of what reviews look at.
#[derive(Debug)]
pub enum ReviewItemKind {}
/// Marks identifiers of units.
#[derive(Debug)]
pub enum UnitKind {}
/// Marks identifiers of relations between people.
#[derive(Debug)]
pub enum RelationKind {}

impl Named for UserKind {
    const NAME: &'static str = "user";
}
impl Named for GroupKind {
    const NAME: &'static str = "group";
}
impl Named for SourceKind {
    const NAME: &'static str = "source";
}
impl Named for RunKind {
    const NAME: &'static str = "run";
}
impl Named for ApplicationKind {
    const NAME: &'static str = "application";
}
impl Named for RuleKind {
    const NAME: &'static str = "rule";
}
impl Named for AssignmentKind {
    const NAME: &'static str = "assignment";
}
impl Named for GrantKind {
    const NAME: &'static str = "grant";
}
impl Named for TokenKind {
    const NAME: &'static str = "token";
}
impl Named for EstablishmentKind {
    const NAME: &'static str = "establishment";
}
impl Named for OutgoingKind {
    const NAME: &'static str = "message of the outbox";
}
impl Named for SessionKind {
    const NAME: &'static str = "session";
}
impl Named for ProposalKind {
    const NAME: &'static str = "proposal";
}
impl Named for UnitKind {
    const NAME: &'static str = "unit";
}
impl Named for RelationKind {
    const NAME: &'static str = "relation";
}
impl Named for RuleSetKind {
    const NAME: &'static str = "rule set";
}
impl Named for BulkRunKind {
    const NAME: &'static str = "bulk run";
}
impl Named for BulkItemKind {
    const NAME: &'static str = "part of a bulk run";
}
impl Named for ExclusionKind {
    const NAME: &'static str = "exclusion";
}
impl Named for CampaignKind {
    const NAME: &'static str = "review";
}
impl Named for ProvisioningKind {
    const NAME: &'static str = "provisioning";
}
impl Named for ProvisionedKind {
    const NAME: &'static str = "row of a provisioning";
}
impl Named for ReviewItemKind {
    const NAME: &'static str = "role under review";
}

/// A person.
pub type UserId = Id<UserKind>;
/// A group.
pub type GroupId = Id<GroupKind>;
/// A source.
pub type SourceId = Id<SourceKind>;
/// A sync run.
pub type RunId = Id<RunKind>;
/// An application.
pub type ApplicationId = Id<ApplicationKind>;
/// A rule.
pub type RuleId = Id<RuleKind>;
/// An assignment.
pub type AssignmentId = Id<AssignmentKind>;
/// A grant.
pub type GrantId = Id<GrantKind>;
/// An API token.
pub type TokenId = Id<TokenKind>;
/// An establishment.
pub type EstablishmentId = Id<EstablishmentKind>;
/// What an outbox holds.
pub type OutboxId = Id<OutgoingKind>;
/// A session.
pub type SessionId = Id<SessionKind>;
/// A proposal.
pub type ProposalId = Id<ProposalKind>;
/// A unit.
pub type UnitId = Id<UnitKind>;
/// A relation between two people.
pub type RelationId = Id<RelationKind>;
/// A rule set.
pub type RuleSetId = Id<RuleSetKind>;
/// An act on many establishments.
pub type BulkRunId = Id<BulkRunKind>;
/// One establishment's part in such an act.
pub type BulkItemId = Id<BulkItemKind>;
/// An exclusion.
pub type ExclusionId = Id<ExclusionKind>;
/// A review.
pub type CampaignId = Id<CampaignKind>;
/// A role under review.
pub type ReviewItemId = Id<ReviewItemKind>;
/// An application's provisioning.
pub type ProvisioningId = Id<ProvisioningKind>;
/// What a provisioned application has of someone.
pub type ProvisionedId = Id<ProvisionedKind>;
