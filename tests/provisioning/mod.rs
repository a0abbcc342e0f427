//! Tests of: people and groups written to applications that have a SCIM service of their own.

mod adopting;
mod api;
mod bounds;
mod comparing;
mod failing;
mod groups;
mod peers;
mod people;

use passerelle::services::context::Context;
use passerelle::services::provisioning::{self, ProvisioningFields, Shown};
use passerelle::services::{jobs, provisioning_bell};
use passerelle::store::establishment::provisioned::{Filter, Provisioned};
use passerelle::store::establishment::provisioning_drift::{self, Drift};
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::gateway::TestGateway;
use crate::harness::scim_service::{ScimService, TOKEN};
use crate::roles::school::School;

/// A school with the application `wiki` and a rule for each of its roles, whose people are written to a service.
pub struct Written {
    pub school: School,
    pub service: ScimService,
    now: Timestamp,
}

/// Fields of a provisioning.
pub fn fields(service: &ScimService, more: &Value) -> ProvisioningFields {
    let mut fields = json!({ "url": service.url, "auth": { "kind": "bearer", "secret": TOKEN }, "rate": 200, "compare_every": 0 });
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    serde_json::from_value(fields).unwrap()
}

impl Written {
    /// `chefs` and `membres` are groups that give the roles `chef` and `membre`.
    pub async fn new(people: &[&str], chefs: &[&str], members: &[&str], more: Value) -> Self {
        Self::over(TestGateway::start().await, ScimService::start().await, (people, chefs, members), more).await
    }

    pub async fn over(test: TestGateway, service: ScimService, (people, chefs, members): (&[&str], &[&str], &[&str]), more: Value) -> Self {
        let school = School::within(test, people, &[("chefs", chefs, &[]), ("membres", members, &[])]).await;
        let roles = json!([{ "name": "chef", "title": "Chef" }, { "name": "membre" }]);
        school.application(json!({ "name": "wiki", "title": "Wiki", "cardinality": "multi", "roles": roles })).await;
        school.rule("wiki", "chefs", "chef", None).await;
        school.rule("wiki", "membres", "membre", None).await;
        provisioning::put(&school.ctx, "wiki", None, &fields(&service, &more)).await.unwrap();
        let now = Timestamp::now();
        let written = Self { school, service, now };
        written.work().await;
        written
    }

    pub fn ctx(&self) -> &Context {
        &self.school.ctx
    }

    /// Does all that is due.
    pub async fn work(&self) {
        provisioning_bell::ring(&Context { now: self.now, ..self.ctx().clone() }).await;
        jobs::run_due(&self.school.test.gateway, self.now).await.unwrap();
    }

    /// Does all that is due so many seconds later.
    pub async fn later(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
        self.work().await;
    }

    /// Changes the provisioning.
    pub async fn edit(&self, patch: Value) {
        let standing = provisioning::get(self.ctx(), "wiki").await.unwrap();
        let mut whole = serde_json::to_value(ProvisioningFields::from(&standing)).unwrap();
        for (name, value) in patch.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let changed = serde_json::from_value(whole).unwrap();
        provisioning::put(self.ctx(), "wiki", Some(&standing), &changed).await.unwrap();
        self.work().await;
    }

    pub async fn shown(&self) -> Shown {
        let standing = provisioning::get(self.ctx(), "wiki").await.unwrap();
        provisioning::shown(self.ctx(), &standing).await.unwrap()
    }

    pub async fn queue(&self, state: &str) -> Vec<Provisioned> {
        let filter = Filter { state: Some(state.to_owned()), ..Filter::default() };
        provisioning::queue(self.ctx(), "wiki", &PageRequest::first(500), &filter).await.unwrap().items
    }

    /// What a comparison finds differs, by name.
    pub async fn compared(&self, repairs: bool) -> Vec<Drift> {
        provisioning::reconcile(self.ctx(), "wiki", repairs).await.unwrap();
        self.work().await;
        self.drift().await
    }

    pub async fn drift(&self) -> Vec<Drift> {
        provisioning::drift(self.ctx(), "wiki", &PageRequest::first(500), &provisioning_drift::Filter::default()).await.unwrap().items
    }

    pub fn named(&self) -> Vec<String> {
        self.service.people().into_iter().map(|(name, active)| if active { name } else { format!("-{name}") }).collect()
    }
}
