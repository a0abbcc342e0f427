//! What stands there already: whether it is somebody's here by its `externalId`, may be taken over by its name, or is not to be touched. Writes
//! nothing there.

use serde_json::Value;

use super::remote::Fault;
use super::write_group::{Trouble, Writing};
use super::write_person::UNKNOWN;
use crate::store::establishment::provisioned::{self, Kind};
use crate::store::establishment::provisioning::Adopt;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'a> {
    /// A person's account or a group.
    pub kind: Kind,
    /// Whom or what it stands for here.
    pub subject: &'a str,
    /// Its user name, or its name.
    pub name: &'a str,
    /// The `externalId` that the gateway writes; none when it writes none.
    pub key: Option<&'a str>,
}

/// What stands there and is somebody's here.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub id: String,
    pub there: Value,
    /// Whether only its name says so.
    pub adopted: bool,
}

impl Sought<'_> {
    fn resources(&self) -> &'static str {
        match self.kind {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    fn attribute(&self) -> &'static str {
        match self.kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        }
    }

    /// Whether something bears the key, to the letter (RFC 7643 §3.1: `externalId` is case-sensitive).
    pub fn is_key_of(&self, there: &Value) -> bool {
        self.key.is_some_and(|key| there.get("externalId").and_then(Value::as_str) == Some(key))
    }

    /// What is told when something of this name stands there that was not made here.
    fn taken(&self) -> Fault {
        let what = match self.kind {
            Kind::User => "an account",
            Kind::Group => "a group",
        };
        let how = match self.key {
            Some(key) => format!("give it the externalId «{key}» there"),
            None => "write an externalId by the mapping and give it that there".to_owned(),
        };
        let name = self.name;
        Fault::Taken(format!(
            "{what} of the name «{name}» stands there and was not made here: {how}, or set `adopt` to `name` to take it over"
        ))
    }
}

impl Writing<'_, '_> {
    /// What stands there and is taken for this one, before it is created.
    ///
    /// # Errors
    /// `Trouble`: `Taken` when it is somebody else's here, or a group of that name is not to be taken over.
    pub(super) async fn standing(&mut self, sought: &Sought<'_>) -> Result<Option<Standing>, Trouble> {
        if let Some(found) = self.by_key(sought).await? {
            return self.unless_known(sought, found).await.map(Some);
        }
        // Names of accounts are unique there, so that the service itself says when one is taken; those of groups may not be.
        if self.target.provisioning.settings.adopt == Adopt::ExternalId && sought.kind == Kind::User {
            return Ok(None);
        }
        match self.by_name(sought).await? {
            Some(found) => self.unless_known(sought, found).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same once the service said that the name is taken; `why` are its words.
    ///
    /// # Errors
    /// `Trouble`: `Taken` when it is not to be taken over.
    pub(super) async fn standing_in_the_way(&mut self, sought: &Sought<'_>, why: String) -> Result<Standing, Trouble> {
        match self.by_name(sought).await? {
            Some(found) => self.unless_known(sought, found).await,
            None => Err(Fault::Taken(why).into()),
        }
    }

    /// What may have been created by an attempt that nobody heard the end of: by its key, and never by its name alone.
    ///
    /// # Errors
    /// `Trouble`: `Refused` when the gateway writes no key by which it would be found.
    pub(super) async fn unheard_of(&mut self, sought: &Sought<'_>) -> Result<Option<String>, Trouble> {
        if sought.key.is_none() {
            let told = format!(
                "an account «{}» may have been created by an attempt that had no answer, and the mapping writes no externalId to tell: look there",
                sought.name
            );
            return Err(Fault::Refused(told).into());
        }
        if let Some(found) = self.by_key(sought).await? {
            return Ok(Some(found.id));
        }
        // Some pass over the filter.
        let mut named = self.remote.find(sought.resources(), sought.attribute(), sought.name).await?;
        named.retain(|there| sought.is_key_of(there));
        only(sought, named, "userName").map(|found| found.map(|found| found.id)).map_err(Trouble::from)
    }

    async fn by_key(&mut self, sought: &Sought<'_>) -> Result<Option<Standing>, Trouble> {
        let Some(key) = sought.key.filter(|key| !key.is_empty()) else { return Ok(None) };
        let mut found = match self.remote.find(sought.resources(), "externalId", key).await {
            Ok(found) => found,
            // A service that does not filter by it tells by the name, once it is taken.
            Err(Fault::Refused(why)) => {
                tracing::debug!(why, "a service does not filter by externalId");
                return Ok(None);
            }
            Err(other) => return Err(nowhere(sought, other).into()),
        };
        found.retain(|there| sought.is_key_of(there));
        Ok(only(sought, found, "externalId")?)
    }

    async fn by_name(&mut self, sought: &Sought<'_>) -> Result<Option<Standing>, Trouble> {
        if sought.name.is_empty() {
            return Ok(None);
        }
        let found = self.remote.find(sought.resources(), sought.attribute(), sought.name).await.map_err(|fault| nowhere(sought, fault))?;
        let (ours, others): (Vec<Value>, Vec<Value>) = found.into_iter().partition(|there| sought.is_key_of(there));
        if let Some(standing) = only(sought, ours, "externalId")? {
            return Ok(Some(standing));
        }
        if self.target.provisioning.settings.adopt == Adopt::ExternalId && !others.is_empty() {
            return Err(sought.taken().into());
        }
        Ok(only(sought, others, sought.attribute())?.map(|standing| Standing { adopted: true, ..standing }))
    }

    /// Something there, unless it is known as somebody else's here. What was known of it as nobody's is forgotten: nobody removes it any more.
    async fn unless_known(&self, sought: &Sought<'_>, found: Standing) -> Result<Standing, Trouble> {
        let of = self.target.provisioning.id;
        let mut tx = self.ctx.store.begin().await?;
        for row in provisioned::list_by_remote(&mut tx, of, sought.kind, std::slice::from_ref(&found.id)).await? {
            if row.subject.starts_with(UNKNOWN) {
                provisioned::forget_subject(&mut tx, of, sought.kind, &row.subject).await?;
            } else if row.subject != sought.subject {
                let told = format!("what stands there as «{}» is that of «{}» here: rename one of them", sought.name, row.name);
                return Err(Fault::Taken(told).into());
            }
        }
        tx.commit().await?;
        Ok(found)
    }
}

/// A list that is not there says that the address leads elsewhere.
fn nowhere(sought: &Sought<'_>, fault: Fault) -> Fault {
    match fault {
        Fault::Missing => Fault::Refused(format!("there is no /{} there: is the URL that of its SCIM service?", sought.resources())),
        other => other,
    }
}

/// The one resource of several, with its identifier.
fn only(sought: &Sought<'_>, mut all: Vec<Value>, attribute: &str) -> Result<Option<Standing>, Fault> {
    let resources = sought.resources();
    if all.len() > 1 {
        return Err(Fault::Refused(format!(
            "{} of {resources} have the same {attribute} as «{}»: leave one there",
            all.len(),
            sought.name
        )));
    }
    let Some(there) = all.pop() else { return Ok(None) };
    let id = there.get("id").and_then(Value::as_str).map(str::to_owned);
    let id = id.ok_or_else(|| Fault::Refused(format!("one of {resources} has no id")))?;
    Ok(Some(Standing { id, there, adopted: false }))
}
