//! Sources: their settings, their secret, their check, and sign-in through them.

use connectors::Verdict;
use passerelle::services::context::{Actor, Context};
use passerelle::services::directories::verify_password;
use passerelle::services::error::Error;
use passerelle::services::sources::{self, SourceFields, shown};
use passerelle::store::establishment::source::Source;
use passerelle::types::id::UserId;
use passerelle::types::permission::GatewayRole;
use passerelle::types::schedule::Schedule;
use serde_json::{Value, json};

use super::{Fed, add, delete, fields, open_guard, person};
use crate::harness::gateway::secret;
use crate::harness::slapd::ADMIN_PASSWORD;

/// A change that makes a source wrong.
type Edit<'a> = &'a dyn Fn(&mut SourceFields);

fn refused(outcome: Result<Source, Error>) -> Vec<String> {
    let Err(Error::Invalid(wrong)) = outcome else { panic!("{outcome:?}") };
    wrong.into_iter().map(|field| field.field).collect()
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused_by_name() {
    let fed = Fed::with_people(&[]).await;
    let right = fields(&fed.slapd, open_guard());
    let with = |edit: &dyn Fn(&mut SourceFields)| {
        let mut changed = SourceFields { name: "other".to_owned(), ..right.clone() };
        edit(&mut changed);
        changed
    };
    let cases: [(Edit<'_>, &str); 6] = [
        (&|f| f.name = "Deux mots".to_owned(), "name"),
        (&|f| f.schedule = Some(Schedule { poll_s: 1, ..Schedule::default() }), "schedule.poll_s"),
        (&|f| f.guard.shrink_percent = 101.0, "guard.shrink_percent"),
        (&|f| f.settings["urls"] = json!(["http://x"]), "settings.urls"),
        (&|f| f.settings["user_filter"] = json!("(uid="), "settings.user_filter"),
        (&|f| f.settings["base"] = json!("dc=x"), "settings.base"),
    ];
    for (edit, field) in cases {
        assert_eq!(refused(sources::create(&fed.ctx, &with(edit)).await), [field]);
    }
    // A feed that pushes has nothing of what a directory is read by: one sentence tells what it may have.
    let pushing = with(&|f| f.kind = passerelle::store::establishment::source::SourceKind::Scim);
    assert_eq!(refused(sources::create(&fed.ctx, &pushing).await), ["settings"]);
    let no_password = with(&|f| f.settings["bind_password"] = Value::Null);
    assert_eq!(refused(sources::create(&fed.ctx, &no_password).await), ["settings"]);
    let taken = sources::create(&fed.ctx, &right).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
}

#[tokio::test]
async fn bind_password_is_sealed_never_shown_and_asked_again_for_another_server() {
    let fed = Fed::with_people(&["anne"]).await;
    let stored = sources::get(&fed.ctx, "ldap").await.unwrap();
    let view = shown(&stored).to_string();
    assert!(!view.contains(&format!("\"{ADMIN_PASSWORD}\"")), "{view}");
    assert!(!stored.secret_sealed.clone().unwrap().windows(ADMIN_PASSWORD.len()).any(|part| part == ADMIN_PASSWORD.as_bytes()));

    let mut same = SourceFields::from(&stored);
    same.settings["page_size"] = json!(500);
    let standing = sources::update(&fed.ctx, &stored, &same).await.unwrap();
    fed.sync().await;

    let mut another = same.clone();
    another.settings["bind_dn"] = json!("cn=another,dc=acad-test,dc=fr");
    assert_eq!(refused(sources::update(&fed.ctx, &standing, &another).await), ["settings.bind_password"], "it is that account's");

    let mut moved = same.clone();
    moved.settings["urls"] = json!(["ldap://elsewhere.test"]);
    assert_eq!(refused(sources::update(&fed.ctx, &standing, &moved).await), ["settings.bind_password"]);
    moved.settings["bind_password"] = json!("another");
    let moved = sources::update(&fed.ctx, &standing, &moved).await.unwrap();
    assert_ne!(moved.secret_sealed, stored.secret_sealed);
}

#[tokio::test]
async fn check_shows_the_steps_and_people_as_they_would_arrive() {
    let fed = Fed::with_people(&["anne"]).await;
    let steps = sources::check(&fed.ctx, "ldap").await.unwrap();
    assert!(steps.iter().all(|step| step.level == connectors::Level::Ok), "{steps:?}");
    let people = steps.iter().find(|step| step.name == "people").unwrap();
    assert_eq!((people.count, people.sample.len()), (Some(1), 1));
    assert_eq!(fed.everyone().await, []);
}

#[tokio::test]
async fn source_that_people_came_from_is_disabled_and_not_removed() {
    let fed = Fed::with_people(&["anne"]).await;
    fed.sync().await;
    assert!(matches!(sources::delete(&fed.ctx, "ldap").await, Err(Error::Conflict(_))));
    let second = SourceFields { name: "second".to_owned(), ..fields(&fed.slapd, open_guard()) };
    sources::create(&fed.ctx, &second).await.unwrap();
    sources::delete(&fed.ctx, "second").await.unwrap();
    assert!(matches!(sources::get(&fed.ctx, "second").await, Err(Error::NotFound(_))));

    fed.change(|fields| fields.enabled = false).await;
    let started = passerelle::services::sync::start(&fed.ctx, "ldap", passerelle::store::establishment::sync_run::Mode::Full).await;
    assert!(matches!(started, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn passwords_are_checked_by_the_directory_that_states_the_person() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    fed.sync().await;
    let (anne, bob) = (fed.user("anne").await, fed.user("bob").await);
    assert_eq!(verify_password(&fed.ctx, &anne, &secret("Essai-anne")).await.unwrap(), Some(Verdict::Accepted));
    assert_eq!(verify_password(&fed.ctx, &anne, &secret("Essai-bob")).await.unwrap(), Some(Verdict::Refused));
    assert_eq!(verify_password(&fed.ctx, &fed.user("admin").await, &secret("x")).await.unwrap(), None);
    fed.slapd.modify(&delete("bob"));
    fed.sync().await;
    assert_eq!(verify_password(&fed.ctx, &bob, &secret("Essai-bob")).await.unwrap(), None, "nobody states bob any more");
    fed.change(|fields| fields.settings["sign_in"] = json!("none")).await;
    assert_eq!(verify_password(&fed.ctx, &anne, &secret("Essai-anne")).await.unwrap(), None);
}

#[tokio::test]
async fn somebody_else_at_a_persons_dn_does_not_sign_in_as_them() {
    let fed = Fed::with_people(&["anne"]).await;
    fed.sync().await;
    let anne = fed.user("anne").await;
    fed.slapd.modify(&delete("anne"));
    fed.slapd.modify(&add(&person("anne").replace("Essai-anne", "Essai-autre")));
    for password in ["Essai-anne", "Essai-autre"] {
        assert_eq!(verify_password(&fed.ctx, &anne, &secret(password)).await.unwrap(), Some(Verdict::Refused), "{password}");
    }
}

#[tokio::test]
async fn disabled_source_lets_nobody_in_unless_it_took_no_sign_ins() {
    let fed = Fed::with_people(&["anne"]).await;
    fed.sync().await;
    let anne = fed.user("anne").await;
    fed.change(|fields| fields.enabled = false).await;
    assert_eq!(verify_password(&fed.ctx, &anne, &secret("Essai-anne")).await.unwrap(), Some(Verdict::Refused));
    fed.change(|fields| fields.settings["sign_in"] = json!("none")).await;
    assert_eq!(verify_password(&fed.ctx, &anne, &secret("Essai-anne")).await.unwrap(), None);
}

#[tokio::test]
async fn files_of_the_machine_are_named_by_operators_only_and_another_authority_asks_for_the_password() {
    let fed = Fed::with_people(&[]).await;
    let acting = |role| Context { actor: Actor::user(UserId::new(), &[role]), ..fed.ctx.clone() };
    let (administrator, operator) = (acting(GatewayRole::Administrator), acting(GatewayRole::Operator));
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, rcgen::generate_simple_self_signed(["ldap.test".to_owned()]).unwrap().cert.pem()).unwrap();
        path
    };
    let (first, second) = (authority("first.pem"), authority("second.pem"));
    let mut wanted = SourceFields { name: "other".to_owned(), ..fields(&fed.slapd, open_guard()) };
    wanted.settings["tls"] = json!({ "mode": "starttls", "ca_file": first, "client_cert_file": "/a", "client_key_file": "/b" });
    let named = ["settings.tls.ca_file", "settings.tls.client_cert_file", "settings.tls.client_key_file"];
    assert_eq!(refused(sources::create(&administrator, &wanted).await), named);

    wanted.settings["tls"] = json!({ "mode": "starttls", "ca_file": first });
    assert_eq!(refused(sources::create(&administrator, &wanted).await), named[..1]);
    let stored = sources::create(&operator, &wanted).await.unwrap();
    let mut kept = SourceFields::from(&stored);
    kept.settings["page_size"] = json!(500);
    kept.settings["tls"]["client_cert_file"] = Value::Null;
    let stored = sources::update(&administrator, &stored, &kept).await.unwrap();

    for other in [json!(second), Value::Null] {
        kept.settings["tls"]["ca_file"] = other;
        assert_eq!(refused(sources::update(&administrator, &stored, &kept).await), named[..1]);
        assert_eq!(refused(sources::update(&operator, &stored, &kept).await), ["settings.bind_password"]);
    }
    kept.settings["tls"]["ca_file"] = json!(second);
    kept.settings["bind_password"] = json!(ADMIN_PASSWORD);
    sources::update(&operator, &stored, &kept).await.unwrap();
}
