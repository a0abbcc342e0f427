//! Previews and held runs tell who would gain and lose which role.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::roles::{RuleFields, rules};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{audit, sync};
use passerelle::store::establishment::audit_event;
use passerelle::store::establishment::change::Operation;
use passerelle::store::establishment::source::Guard;
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::types::page::PageRequest;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Fed, add, delete, dn, group, person};

fn read<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

/// Anne and Bob teach, Chloé leads, David is nobody in particular; whoever has nothing else reads.
async fn school() -> Fed {
    let fed = Fed::with_people(&["anne", "bob", "chloe", "david"]).await;
    fed.slapd.modify(&add(&(group("ens-RT", &[&dn("anne"), &dn("bob")]) + &group("resp-RT", &[&dn("chloe")]))));
    let notes: ApplicationFields = read(json!({ "name": "notes", "default_role": "lecteur", "cardinality": "single",
        "roles": [{ "name": "chef" }, { "name": "prof" }, { "name": "lecteur" }] }));
    applications::create(&fed.ctx, &notes).await.unwrap();
    for (when, role) in
        [(json!([{ "group": "resp-.+" }]), "chef"), (json!([{ "group": "ens-.+" }, { "attribute": "email", "matches": ".+" }]), "prof")]
    {
        let rule: RuleFields = read(json!({ "application": "notes", "when": when, "role": role }));
        rules::create(&fed.ctx, &rule).await.unwrap();
    }
    fed
}

async fn told(fed: &Fed, run: &Run) -> Vec<(&'static str, String, String)> {
    let sign = |operation| match operation {
        Operation::RolesGained => Some("+"),
        Operation::RolesLost => Some("-"),
        _ => None,
    };
    let changes = fed.changes(run).await;
    let named = changes
        .into_iter()
        .filter_map(|change| Some((sign(change.operation)?, change.name, change.detail.unwrap()["role"].as_str().unwrap().to_owned())));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// What the runs of a source really did to roles, by the trail.
async fn done(fed: &Fed) -> (u64, u64) {
    let filter = audit_event::Filter { action: Some("roles.changed".to_owned()), ..audit_event::Filter::default() };
    let events = audit::list(&fed.ctx, &PageRequest::first(50), &filter).await.unwrap().items;
    let sum = |what: &str| events.iter().map(|event| event.detail[what].as_u64().unwrap()).sum();
    (sum("gained"), sum("lost"))
}

fn row(sign: &'static str, name: &str, role: &str) -> (&'static str, String, String) {
    (sign, name.to_owned(), role.to_owned())
}

#[tokio::test]
async fn a_first_preview_tells_the_roles_of_people_who_are_not_there_yet() {
    let fed = school().await;
    let before = done(&fed).await;
    let preview = fed.run(Mode::Preview).await;
    let wanted = [row("+", "anne", "prof"), row("+", "bob", "prof"), row("+", "chloe", "chef"), row("+", "david", "lecteur")];
    assert_eq!(told(&fed, &preview).await, wanted);
    assert_eq!((preview.counts.roles_gained, preview.counts.roles_lost), (4, 0));
    assert_eq!(done(&fed).await, before, "nothing is written");
    let run = fed.sync().await;
    assert_eq!((run.counts.roles_gained, run.counts.roles_lost), (0, 0), "a run that writes tells it by the trail");
    let after = done(&fed).await;
    assert_eq!((after.0 - before.0, after.1 - before.1), (4, 0), "the run does what the preview said");
}

#[tokio::test]
async fn another_filter_is_tried_over_everyone_before_it_is_saved() {
    let fed = school().await;
    fed.sync().await;
    let standing = sources::get(&fed.ctx, "ldap").await.unwrap();
    let mut fields = SourceFields::from(&standing);
    fields.settings["user_filter"] = "(!(uid=anne))".into();
    fields.settings["mapping"] = json!({ "email": "{telephoneNumber}" });
    let preview = sync::preview_with_to_end(&fed.ctx, "ldap", &fields).await.unwrap();
    assert_eq!(preview.state, State::Done);
    // Anne is gone with her role; Bob has no address any more, which his role hangs on.
    assert_eq!(told(&fed, &preview).await, [row("+", "bob", "lecteur"), row("-", "anne", "prof"), row("-", "bob", "prof")]);
    let before = done(&fed).await;
    sources::update(&fed.ctx, &standing, &fields).await.unwrap();
    fed.sync().await;
    let after = done(&fed).await;
    // Whoever is disabled loses roles with the disabling, which is told there.
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    assert!(fed.user("bob").await.email.is_none());
}

#[tokio::test]
async fn changes_of_groups_are_looked_through_to_the_roles() {
    let fed = school().await;
    fed.sync().await;
    // A new group within the one that rules look at, a member who leaves, a group that goes, someone new.
    let inner = format!("cn=vacataires,ou=groups,{}", crate::harness::slapd::BASE);
    let change = format!(
        "{}dn: cn=ens-RT,ou=groups,{base}\nchangetype: modify\nadd: member\nmember: {inner}\n-\ndelete: member\nmember: {}\n\n\
         dn: cn=resp-RT,ou=groups,{base}\nchangetype: delete\n\n",
        add(&(person("emma") + &group("vacataires", &[&dn("david"), &dn("emma")]))),
        dn("bob"),
        base = crate::harness::slapd::BASE,
    );
    fed.slapd.modify(&change);
    let preview = fed.run(Mode::Preview).await;
    let wanted = [
        row("+", "bob", "lecteur"),
        row("+", "chloe", "lecteur"),
        row("+", "david", "prof"),
        row("+", "emma", "prof"),
        row("-", "bob", "prof"),
        row("-", "chloe", "chef"),
        row("-", "david", "lecteur"),
    ];
    assert_eq!(told(&fed, &preview).await, wanted);
    let before = done(&fed).await;
    fed.sync().await;
    let after = done(&fed).await;
    assert_eq!((after.0 - before.0, after.1 - before.1), (4, 3), "the run does what the preview said");
}

#[tokio::test]
async fn a_held_run_tells_the_roles_that_would_go() {
    let fed = school().await;
    fed.sync().await;
    fed.change(|fields| fields.guard = Guard::default()).await;
    fed.slapd.modify(&delete("chloe"));
    let held = fed.run(Mode::Full).await;
    assert_eq!(held.state, State::Held);
    assert_eq!(told(&fed, &held).await, [row("-", "chloe", "chef")]);
    let approved = sync::approve_to_end(&fed.ctx, held.id).await.unwrap();
    assert_eq!(approved.state, State::Done);
    assert_eq!(told(&fed, &approved).await, []);
}
