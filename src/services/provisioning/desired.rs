//! What is to be there: who, as what, in which groups. Reads what the gateway knows, in bounded steps; writes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::super::error::Error;
use super::super::roles::{Case, Catalogue, Pattern, counting};
use super::mapping::{Facts, Mapping};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{self, Standing};
use crate::store::establishment::group;
use crate::store::establishment::provisioning::{Groups, OnLoss, Provisioning};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::id::{GroupId, UserId};
use crate::types::time::Timestamp;

/// The schema of groups (RFC 7643 §8.7.1).
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Before a role's name, as what a group there stands for.
const OF_ROLE: &str = "role:";
/// The pattern of all names.
const ANY_NAME: &str = ".*";

/// A provisioning, ready to be worked on.
#[derive(Debug)]
pub struct Target {
    /// As it is configured.
    pub provisioning: Provisioning,
    /// What is written of people.
    pub mapping: Mapping,
    application: Application,
    pattern: Pattern,
}

/// A person as they are to be there.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account, active or not; nothing for whoever the gateway knows no more.
    pub account: Option<Value>,
    /// Whether they are to be there, and active.
    pub present: bool,
    /// The user name.
    pub name: String,
    /// The groups they are to be in: what each stands for, and its name there.
    pub groups: BTreeMap<String, String>,
}

impl Person {
    fn nobody() -> Self {
        Self { account: None, present: false, name: String::new(), groups: BTreeMap::new() }
    }

    /// The digest of the account.
    pub fn digest(&self) -> Option<Vec<u8>> {
        self.account.as_ref().map(digest_of)
    }
}

/// The digest of what is written.
pub fn digest_of(value: &Value) -> Vec<u8> {
    // Objects are written with their members in order.
    digest::digest(&digest::SHA256, value.to_string().as_bytes()).as_ref().to_vec()
}

/// A group as it is written, without its members.
pub fn group_of(subject: &str, name: &str) -> Value {
    json!({ "schemas": [GROUP], "displayName": name, "externalId": subject })
}

/// Fills in a group's name.
fn named(template: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(template.to_owned(), |text, (field, value)| text.replace(&format!("{{{field}}}"), value))
}

impl Target {
    /// Gets ready.
    ///
    /// # Errors
    /// `Invalid` when what was stored cannot be read any more; when the store fails.
    pub async fn load(tx: &mut Tx, provisioning: Provisioning) -> Result<Self, Error> {
        let mapping = Mapping::parse(&provisioning.settings.mapping).map_err(Error::Invalid)?;
        let raw = provisioning.settings.group_pattern.as_deref().unwrap_or(ANY_NAME);
        let pattern = Pattern::compile("group_pattern", raw, Case::Ignored)?;
        let application = application::find(tx, provisioning.application_id).await?.ok_or_else(|| Error::not_found("application"))?;
        Ok(Self { provisioning, mapping, application, pattern })
    }

    /// How some people are to be there now.
    pub async fn people_in(&self, tx: &mut Tx, ids: &[UserId], now: Timestamp) -> Result<HashMap<UserId, Person>, Error> {
        let users = user::list_by_ids(tx, ids).await?;
        let mut held: HashMap<UserId, Vec<Standing>> = HashMap::new();
        for standing in assignment::list_held_of(tx, ids, self.application.id, now).await? {
            held.entry(standing.user_id).or_default().push(standing);
        }
        let mut found: HashMap<UserId, Person> = ids.iter().map(|id| (*id, Person::nobody())).collect();
        for user in &users {
            let standings = held.remove(&user.id).unwrap_or_default();
            found.insert(user.id, self.person(user, &standings));
        }
        if self.provisioning.settings.groups == Groups::Groups {
            let present: Vec<UserId> = found.iter().filter(|(_, person)| person.present).map(|(id, _)| *id).collect();
            for above in group::list_above_each(tx, &present).await? {
                if self.pattern.captures(&above.name).is_none() {
                    continue;
                }
                if let Some(person) = found.get_mut(&above.user_id) {
                    person.groups.insert(above.id.to_string(), self.name_of_group(&above.name, above.display_name.as_deref()));
                }
            }
        }
        Ok(found)
    }

    fn person(&self, user: &User, standings: &[Standing]) -> Person {
        let settings = &self.provisioning.settings;
        let counted = counting(&Catalogue::from(&self.application), standings.iter().collect());
        let mut roles: Vec<String> = Vec::new();
        for standing in counted {
            if !roles.contains(&standing.role) {
                roles.push(standing.role.clone());
            }
        }
        let admits = |role: &String| settings.roles.is_empty() || settings.roles.contains(role);
        let present = user.status == UserStatus::Active && roles.iter().any(admits);
        if !present {
            roles.clear();
        }
        let account = self.mapping.account(Facts { user, roles: &roles }, present);
        let groups = if present && settings.groups == Groups::Roles {
            roles.iter().filter(|role| admits(role)).map(|role| (format!("{OF_ROLE}{role}"), self.name_of_role(role))).collect()
        } else {
            BTreeMap::new()
        };
        Person { account: Some(account), present, name: user.username.clone(), groups }
    }

    /// The names of groups there that are to be, of those that stand for something here; the others are to go.
    pub async fn groups_in(&self, tx: &mut Tx, subjects: &BTreeSet<String>) -> Result<BTreeMap<String, String>, Error> {
        let settings = &self.provisioning.settings;
        let mut found = BTreeMap::new();
        for subject in subjects {
            match settings.groups {
                Groups::None => {}
                Groups::Roles => {
                    let known =
                        subject.strip_prefix(OF_ROLE).filter(|role| self.application.roles.iter().any(|known| known.name == **role));
                    let written = known.filter(|role| settings.roles.is_empty() || settings.roles.iter().any(|one| one == role));
                    found.extend(written.map(|role| (subject.clone(), self.name_of_role(role))));
                }
                Groups::Groups => {
                    let Ok(id) = subject.parse::<GroupId>() else { continue };
                    let known = group::find(tx, id).await?.filter(|group| self.pattern.captures(&group.name).is_some());
                    found.extend(known.map(|group| (subject.clone(), self.name_of_group(&group.name, group.display_name.as_deref()))));
                }
            }
        }
        Ok(found)
    }

    fn name_of_role(&self, role: &str) -> String {
        let title = self.application.roles.iter().find(|known| known.name == role).map_or("", |known| known.title.as_str());
        let title = if title.is_empty() { role } else { title };
        named(&self.provisioning.settings.group_name, &[("application", &self.application.name), ("title", title), ("role", role)])
    }

    fn name_of_group(&self, name: &str, display_name: Option<&str>) -> String {
        named(&self.provisioning.settings.group_name, &[("display_name", display_name.unwrap_or(name)), ("name", name)])
    }

    /// Whether accounts are deleted rather than made inactive.
    pub fn deletes(&self) -> bool {
        self.provisioning.settings.on_loss == OnLoss::Delete
    }
}
