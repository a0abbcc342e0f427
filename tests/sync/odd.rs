//! Accounts that end by a date, and one entry on demand, from a real directory into the store.

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::{sources, sync};
use passerelle::store::establishment::source_state;
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::time::Timestamp;
use serde_json::json;

use super::{Fed, dn};

/// 2026-06-30 22:00 UTC.
const END: i64 = 1_782_856_800;

impl Fed {
    /// The same at another moment.
    fn at(&self, seconds: i64) -> Context {
        Context { now: Timestamp::from_seconds(seconds), ..self.ctx.clone() }
    }
}

#[tokio::test]
async fn an_account_ends_when_its_date_passes_even_when_nothing_changed_in_the_directory() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    let dated = "add: objectClass\nobjectClass: schacPersonTest\n-\nadd: schacExpiryDate\nschacExpiryDate: 20260630220000Z\n";
    fed.slapd.modify(&format!("dn: {}\nchangetype: modify\n{dated}", dn("anne")));
    let before = fed.at(END - 60);
    let run = sync::run_to_end(&before, "ldap", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.counts.created, run.counts.disabled), (State::Done, 2, 0));
    let state = source_state::get(&mut fed.ctx.store.read().await.unwrap(), run.source_id).await.unwrap();
    assert_eq!(state.turns_at, Some(Timestamp::from_seconds(END)));
    let run = sync::run_to_end(&fed.at(END - 1), "ldap", Mode::Changes).await.unwrap();
    assert_eq!((run.counts.disabled, run.note), (0, None));

    let run = sync::run_to_end(&fed.at(END), "ldap", Mode::Changes).await.unwrap();
    assert_eq!((run.state, run.counts.disabled), (State::Done, 1));
    assert!(run.note.unwrap().contains("closed by its date"));
    assert_eq!((fed.user("anne").await.status, fed.user("bob").await.status), (UserStatus::Disabled, UserStatus::Active));
    let state = source_state::get(&mut fed.ctx.store.read().await.unwrap(), run.source_id).await.unwrap();
    assert_eq!(state.turns_at, None);
    let run = sync::run_to_end(&fed.at(END + 1), "ldap", Mode::Full).await.unwrap();
    assert_eq!((run.counts.disabled, run.counts.updated), (0, 0));
}

#[tokio::test]
async fn one_entry_on_demand_is_applied_alone_with_the_way_each_field_came() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    fed.sync().await;
    for uid in ["anne", "bob"] {
        fed.slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: givenName\ngivenName: New\n", dn(uid)));
    }
    let one = sync::run_one(&fed.ctx, "ldap", &dn("anne").to_uppercase()).await.unwrap();
    assert_eq!((one.run.state, one.run.mode, one.run.counts.read, one.run.counts.updated), (State::Done, Mode::Changes, 1, 1));
    let given = one.trace.iter().find(|line| line.field == "given_name").unwrap();
    assert_eq!((given.from.as_str(), given.values.as_slice()), ("givenName", &["New".to_owned()][..]));
    assert_eq!((fed.user("anne").await.given_name.as_deref(), fed.user("bob").await.given_name), (Some("New"), None));
    // Since when changes are asked for has not moved: the other one is still found.
    let run = fed.run(Mode::Changes).await;
    assert_eq!((run.counts.updated, fed.user("bob").await.given_name.as_deref()), (1, Some("New")));

    let refused = sync::run_one(&fed.ctx, "ldap", &dn("nobody")).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(wrong) if wrong[0].field == "only" && wrong[0].message.contains("there is no such entry")),
        "{refused:?}"
    );
    assert!(matches!(sync::run_one(&fed.ctx, "ldap", "nobody").await.unwrap_err(), Error::Outside(why) if why.contains("not a DN")));
    assert!(matches!(sync::run_one(&fed.ctx, "other", &dn("anne")).await.unwrap_err(), Error::NotFound(_)));
    assert_eq!(fed.everyone().await.len(), 2);
}

#[tokio::test]
async fn what_says_that_an_account_is_closed_is_the_administrators_choice() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    let read = sources::get(&fed.ctx, "ldap").await.unwrap();
    let mut fields = sources::SourceFields::from(&read);
    fields.settings["account_state"] = json!([{"attribute": "employeeType", "active": ["present"]}, "schacExpiryDate"]);
    let read = sources::update(&fed.ctx, &read, &fields).await.unwrap();
    for (uid, state) in [("anne", "present"), ("bob", "retraite")] {
        fed.slapd.modify(&format!("dn: {}\nchangetype: modify\nadd: employeeType\nemployeeType: {state}\n", dn(uid)));
    }
    fed.sync().await;
    assert_eq!((fed.user("anne").await.status, fed.user("bob").await.status), (UserStatus::Active, UserStatus::Disabled));

    fields.settings["account_state"] = json!([{"attribute": "employeeType", "actif": ["present"]}]);
    let refused = sources::update(&fed.ctx, &read, &fields).await.unwrap_err();
    assert!(matches!(&refused, Error::Invalid(wrong) if wrong[0].field == "settings.account_state"), "{refused:?}");
}
