//! A small school's people and groups, written into the store as a sync run writes them.

use std::collections::HashMap;

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::context::Context;
use passerelle::services::roles::{self, Changed, HeldRole, RuleFields, rules};
use passerelle::services::sources;
use passerelle::store::establishment::assignment::{self, Assignment};
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::rule::{Condition, Rule};
use passerelle::store::establishment::source::Source;
use passerelle::store::establishment::user::{self, User, UserStatus};
use passerelle::store::establishment::{application, membership};
use passerelle::types::id::{GroupId, UserId};
use serde_json::Value;

use crate::harness::gateway::TestGateway;

/// People and groups by name.
pub struct School {
    pub ctx: Context,
    pub test: TestGateway,
    pub people: HashMap<String, UserId>,
    pub groups: HashMap<String, GroupId>,
}

impl School {
    /// `groups` are (name, people, groups inside).
    pub async fn new(people: &[&str], groups: &[(&str, &[&str], &[&str])]) -> Self {
        Self::within(TestGateway::start().await, people, groups).await
    }

    /// The same in a gateway that is there.
    pub async fn within(test: TestGateway, people: &[&str], groups: &[(&str, &[&str], &[&str])]) -> Self {
        let (_, ctx) = test.establishment("Université d'Évrecy").await;
        let mut school = Self { ctx, test, people: HashMap::new(), groups: HashMap::new() };
        for name in people {
            school.add_person(name).await;
        }
        let mut tx = school.ctx.store.begin().await.unwrap();
        let rows: Vec<Group> = groups.iter().map(|(name, ..)| school.group(name)).collect();
        group::upsert_all(&mut tx, &rows).await.unwrap();
        school.groups = rows.iter().map(|row| (row.name.clone(), row.id)).collect();
        for (name, members, inside) in groups {
            let pairs: Vec<_> = members.iter().map(|member| (school.groups[*name], school.people[*member])).collect();
            membership::insert_all(&mut tx, &pairs).await.unwrap();
            for child in *inside {
                membership::insert_nesting(&mut tx, school.groups[*name], school.groups[*child]).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
        school
    }

    pub async fn add_person(&mut self, name: &str) -> UserId {
        let row = self.person(name);
        let mut tx = self.ctx.store.begin().await.unwrap();
        user::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        self.people.insert(name.to_owned(), row.id);
        row.id
    }

    pub fn person(&self, name: &str) -> User {
        User {
            id: UserId::new(),
            username: name.to_owned(),
            given_name: None,
            family_name: None,
            display_name: name.to_owned(),
            email: Some(format!("{name}@univ-test.fr")),
            locale: None,
            status: UserStatus::Active,
            disabled_by: None,
            home_unit: None,
            units: Vec::new(),
            attributes: std::collections::BTreeMap::new(),
            last_sign_in_at: None,
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
            erased_at: None,
        }
    }

    pub fn group(&self, name: &str) -> Group {
        Group {
            id: GroupId::new(),
            source_id: None,
            external_id: None,
            name: name.to_owned(),
            display_name: None,
            dn: Some(format!("CN={name}, OU=0990001X,ou=groups,dc=acad-test,dc=fr")),
            dn_key: Some(format!("cn={},ou=0990001x,ou=groups,dc=acad-test,dc=fr", name.to_lowercase())),
            place: None,
            dangling: None,
            content_hash: Vec::new(),
            members_hash: Vec::new(),
            member_count: 0,
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
        }
    }

    /// Adds a source. What it states is written by hand.
    pub async fn source(&self, name: &str) -> Source {
        let fields = serde_json::json!({ "name": name, "kind": "scim", "settings": {} });
        sources::create(&self.ctx, &serde_json::from_value(fields).unwrap()).await.unwrap()
    }

    /// Adds an application that the gateway ships.
    pub async fn install(&self, name: &str) {
        let (_, text) = applications::catalogue().into_iter().find(|(shipped, _)| *shipped == name).unwrap();
        applications::create(&self.ctx, &applications::from_catalogue(text).unwrap()).await.unwrap();
    }

    pub async fn application(&self, json: Value) {
        let fields: ApplicationFields = serde_json::from_value(json).unwrap();
        applications::create(&self.ctx, &fields).await.unwrap();
    }

    pub async fn rule(&self, application: &str, when: &str, role: &str, scope: Option<&str>) -> Rule {
        rules::create(&self.ctx, &rule(application, when, role, scope)).await.unwrap()
    }

    /// Moves someone into or out of a group, and recomputes them as a sync run does.
    pub async fn put(&self, person: &str, group: &str, inside: bool) -> Changed {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let (group, person) = (self.groups[group], self.people[person]);
        if inside {
            membership::insert_all(&mut tx, &[(group, person)]).await.unwrap();
        } else {
            membership::delete(&mut tx, group, person).await.unwrap();
        }
        let changed = roles::recompute_users_in(&mut tx, &self.ctx, &[person]).await.unwrap();
        tx.commit().await.unwrap();
        changed
    }

    /// Changes someone as a sync run does.
    pub async fn change(&self, person: &str, change: impl FnOnce(&mut User)) {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let mut row = user::get(&mut tx, self.people[person]).await.unwrap();
        change(&mut row);
        user::update(&mut tx, &row).await.unwrap();
        roles::recompute_users_in(&mut tx, &self.ctx, &[row.id]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What someone holds, as `Ens_RT`.
    pub async fn held(&self, person: &str, name: &str) -> Vec<String> {
        self.held_with(&self.ctx, person, name)
            .await
            .into_iter()
            .map(|h| h.scope.map_or(h.role.clone(), |s| format!("{}_{s}", h.role)))
            .collect()
    }

    pub async fn held_with(&self, ctx: &Context, person: &str, name: &str) -> Vec<HeldRole> {
        let mut tx = ctx.store.read().await.unwrap();
        let row = user::get(&mut tx, self.people[person]).await.unwrap();
        let application = application::find_by_name(&mut tx, name).await.unwrap().unwrap();
        roles::held_in(&mut tx, ctx, &row, application.id).await.unwrap()
    }

    /// Everything recorded of someone.
    pub async fn recorded(&self, person: &str) -> Vec<Assignment> {
        let mut tx = self.ctx.store.read().await.unwrap();
        assignment::list_of_user(&mut tx, self.people[person]).await.unwrap()
    }
}

pub fn rule(application: &str, when: &str, role: &str, scope: Option<&str>) -> RuleFields {
    RuleFields {
        application: application.to_owned(),
        when: conditions(when).into_iter().map(|condition| of_gateway(application, condition)).collect(),
        role: role.to_owned(),
        scope: scope.map(str::to_owned),
        priority: 0,
        ..RuleFields::default()
    }
}

/// Rules of the gateway say whose groups they mean: those of [`School::new`] are the establishment's own.
fn of_gateway(application: &str, condition: Condition) -> Condition {
    let names_none = application == "passerelle" && condition.group.is_some() && condition.source.is_none();
    Condition { source: names_none.then(|| "local".to_owned()).or(condition.source.clone()), ..condition }
}

/// One condition on a group, or conditions as JSON.
pub fn conditions(when: &str) -> Vec<Condition> {
    if when.starts_with('[') {
        return serde_json::from_str(when).unwrap();
    }
    vec![Condition { group: Some(when.to_owned()), ..Condition::default() }]
}
