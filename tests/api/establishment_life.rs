//! An establishment after it was made: edited, blocked and opened again, its administrators' access given back, and deleted.

use passerelle::services::context::{Actor, PlatformContext};
use passerelle::services::users::{self, NewUser};
use passerelle::services::{establishments, jobs, links};
use passerelle::store::establishment::session::{self, Session};
use passerelle::store::registry::establishment::{self, Establishment, EstablishmentStatus};
use passerelle::store::registry::job;
use passerelle::types::id::SessionId;
use passerelle::types::secret::Secret;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::{Answer, Served};
use crate::harness::gateway::{PASSWORD, secret};

const AMPERE: &str = "/api/v1/establishments/lycee-ampere";

async fn served() -> (Served, String) {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    let new = json!({ "name": "Lycée Ampère", "send_mail": false, "contact":
        { "family_name": "Lefèvre", "given_name": "Élodie", "email": "elodie@acad-test.fr" } });
    assert_eq!(api.post("/api/v1/establishments", &operator, &new).await.status, StatusCode::CREATED);
    (api, operator)
}

/// What the trails of the establishment and of the platform say of the establishment.
async fn trails(api: &Served, operator: &str, action: &str) -> [Value; 2] {
    let mut found = Vec::new();
    for slug in ["lycee-ampere", "platform"] {
        let path = format!("/api/v1/establishments/{slug}/audit?subject_kind=establishment&action={action}");
        found.push(api.get(&path, operator).await.body["items"].clone());
    }
    found.try_into().unwrap()
}

#[tokio::test]
async fn an_operator_edits_fields_and_the_slug_stays() {
    let (api, operator) = served().await;
    api.send(Method::PUT, "/api/v1/zones/caen", Some(&operator), Some(&json!({ "title": "Caen" }))).await;
    let patch = json!({ "name": "Lycée André-Marie Ampère", "uai": "0991000z", "zone": "caen", "number": 12, "locality": "14000 Caen" });
    let edited = api.patch(AMPERE, &operator, &patch).await;
    assert_eq!(edited.status, StatusCode::OK, "{:?}", edited.body);
    let seen = ["slug", "name", "uai", "zone", "number", "locality"].map(|field| edited.body[field].clone());
    assert_eq!(
        json!(seen),
        json!(["lycee-ampere", "Lycée André-Marie Ampère", edited.body["uai"], "caen", 12, "14000 Caen"]),
        "what was given"
    );
    assert_eq!(edited.body["contact"]["email"], "elodie@acad-test.fr", "what is absent stays");
    let shown = api.get(AMPERE, &operator).await;
    assert_eq!((&shown.body, shown.header("etag")), (&edited.body, edited.header("etag")));
    let found = api.get("/api/v1/establishments?q=andr%C3%A9&zone=caen&number=12&locality=14000%20Caen", &operator).await;
    assert_eq!(found.body["total"], 1, "lists look in the new name");
    let emptied = api.patch(AMPERE, &operator, &json!({ "uai": null, "zone": null, "contact": { "given_name": null } })).await;
    assert_eq!(json!([emptied.body["uai"], emptied.body["zone"], emptied.body["contact"]["given_name"]]), json!([null, null, null]));
    assert_eq!(emptied.body["contact"]["family_name"], "Lefèvre");
    let [own, platform] = trails(&api, &operator, "establishment.updated").await;
    assert_eq!(own[0]["detail"], json!({ "changed": ["uai", "zone", "contact"] }));
    assert_eq!((own.as_array().unwrap().len(), platform.as_array().unwrap().len()), (2, 2));
    let nothing = api.patch(AMPERE, &operator, &json!({ "name": "Lycée André-Marie Ampère" })).await;
    assert_eq!(nothing.body, emptied.body, "what changes nothing writes nothing");
}

#[tokio::test]
async fn an_edit_that_does_not_fit_is_told_by_field_and_changes_nothing() {
    let (api, operator) = served().await;
    api.post("/api/v1/establishments", &operator, &json!({ "name": "École Curie" })).await;
    let before = api.get(AMPERE, &operator).await;
    let wrong = json!({ "name": " ", "uai": "0991000A", "number": 0, "contact": { "email": "nobody" } });
    let cases = [
        (wrong, 422, vec!["name", "uai", "contact.email", "number"]),
        (json!({ "slug": "autre" }), 422, vec!["slug"]),
        (json!({ "status": "blocked" }), 422, vec!["status"]),
        (json!({ "zone": "manche" }), 422, vec!["zone"]),
        (json!({ "number": null }), 422, vec!["number"]),
        (json!({ "number": 2 }), 409, vec![]),
    ];
    for (patch, status, fields) in cases {
        let refused = api.patch(AMPERE, &operator, &patch).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (status, fields), "{patch}: {:?}", refused.body);
    }
    assert_eq!(api.get(AMPERE, &operator).await.body, before.body);
    let stale = [("if-match", "\"another\"")];
    let patch = json!({ "name": "Autre" });
    assert_eq!(api.send_with(Method::PATCH, AMPERE, Some(&operator), Some(&patch), &stale).await.status, StatusCode::PRECONDITION_FAILED);
    let fresh = [("if-match", before.header("etag"))];
    assert_eq!(api.send_with(Method::PATCH, AMPERE, Some(&operator), Some(&patch), &fresh).await.status, StatusCode::OK);
    assert_eq!(api.patch("/api/v1/establishments/platform", &operator, &patch).await.status, StatusCode::NOT_FOUND);
}

/// SAC-18: changing the contact does not change the administrator(s).
#[tokio::test]
async fn another_contact_changes_no_administrator() {
    let (api, operator) = served().await;
    let administrators = format!("{AMPERE}/administrators");
    let before = api.get(&administrators, &operator).await;
    assert_eq!((before.body["total"].as_i64(), &before.body["items"][0]["username"]), (Some(1), &json!("elodie@acad-test.fr")));
    let other = json!({ "contact": { "family_name": "Martin", "given_name": "Zoé", "email": "zoe@acad-test.fr" } });
    assert_eq!(api.patch(AMPERE, &operator, &other).await.body["contact"], other["contact"]);
    assert_eq!(api.get(&administrators, &operator).await.body, before.body);
    assert_eq!(api.get(&format!("{AMPERE}/users"), &operator).await.body["total"], 1);
}

/// SAC-26 to SAC-28.
#[tokio::test]
async fn a_blocked_establishment_refuses_its_own_tokens_and_operators_still_administer_it() {
    let (api, operator) = served().await;
    let own = api.token("lycee-ampere", "administrator").await;
    let elsewhere = api.establishment("École Curie").await;
    let neighbour = api.token(&elsewhere, "administrator").await;
    let users = format!("{AMPERE}/users");
    assert_eq!(api.get(&users, &own).await.status, StatusCode::OK);
    let block = async || api.post(&format!("{AMPERE}/block"), &operator, &json!({})).await;
    let blocked = block().await;
    assert_eq!((blocked.status, &blocked.body["status"]), (StatusCode::OK, &json!("blocked")), "{:?}", blocked.body);
    let told = |answer: &Answer| (answer.status.as_u16(), answer.body["type"].clone());
    let problem = json!("urn:passerelle:problem:blocked");
    assert_eq!(told(&api.get(&users, &own).await), (403, problem.clone()));
    assert_eq!(told(&api.get(&users, "an-access-token-from-before").await), (403, problem));
    assert_eq!(api.get(&format!("/api/v1/establishments/{elsewhere}/users"), &neighbour).await.status, StatusCode::OK);
    let listed = api.get("/api/v1/establishments?status=blocked", &operator).await;
    assert_eq!(listed.body["items"][0]["slug"], "lycee-ampere");
    let made = api.post(&users, &operator, &json!({ "username": "nouvelle" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "operators still write there: {:?}", made.body);
    assert_eq!(block().await.body["status"], "blocked", "asked again");
    let [in_its_own, on_the_platform] = trails(&api, &operator, "establishment.blocked").await;
    assert_eq!((in_its_own.as_array().unwrap().len(), on_the_platform.as_array().unwrap().len()), (1, 1), "one block is one event");
    let unblock = async || api.post(&format!("{AMPERE}/unblock"), &operator, &json!({})).await;
    assert_eq!(unblock().await.body["status"], "active");
    assert_eq!(unblock().await.body["status"], "active");
    assert_eq!(api.get(&users, &own).await.status, StatusCode::OK, "API tokens are configuration, and work again");
    let [in_its_own, on_the_platform] = trails(&api, &operator, "establishment.unblocked").await;
    assert_eq!((in_its_own.as_array().unwrap().len(), on_the_platform.as_array().unwrap().len()), (1, 1));
    for verb in ["block", "unblock"] {
        let path = format!("/api/v1/establishments/platform/{verb}");
        assert_eq!(api.post(&path, &operator, &json!({})).await.status, StatusCode::NOT_FOUND, "nobody blocks the platform");
    }
}

/// SAC-19 to SAC-22: the operator chooses one administrator, and a link gives access back.
#[tokio::test]
async fn an_operator_gives_a_chosen_administrator_access_back() {
    let (api, operator) = served().await;
    let ctx = api.test.context("lycee-ampere").await;
    let reset = async |body: Value| api.post(&format!("{AMPERE}/reset-administrator"), &operator, &body).await;
    let alone = reset(json!({ "send_mail": false })).await;
    assert_eq!((alone.status, alone.header("cache-control")), (StatusCode::OK, "no-store"), "{:?}", alone.body);
    assert_eq!(alone.body["administrator"]["username"], "elodie@acad-test.fr");
    let token = |answer: &Answer| answer.body["link"]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    links::choose_password(&ctx, &token(&alone), secret(PASSWORD)).await.unwrap();
    let (second, _) = users::create(&ctx, &NewUser { username: "zoé".to_owned(), ..NewUser::default() }).await.unwrap();
    let role = json!({ "user": second.id, "application": "passerelle", "role": "administrator" });
    assert_eq!(api.post(&format!("{AMPERE}/assignments"), &operator, &role).await.status, StatusCode::CREATED);
    let of_several = reset(json!({ "send_mail": false })).await;
    assert_eq!((of_several.status, of_several.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["user"]));
    let told = of_several.body["detail"].as_str().unwrap();
    assert!(told.contains("elodie@acad-test.fr") && told.contains("zoé"), "{told}");
    let (nobody, _) = users::create(&ctx, &NewUser { username: "élève".to_owned(), ..NewUser::default() }).await.unwrap();
    for wrong in [json!(nobody.id), json!("élève"), json!("personne")] {
        let refused = reset(json!({ "user": wrong, "send_mail": false })).await;
        assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["user"]), "{wrong}");
    }
    let by_name = reset(json!({ "user": "ZOÉ", "send_mail": false })).await;
    assert_eq!(by_name.body["administrator"]["id"], json!(second.id), "{:?}", by_name.body);
    let by_key = reset(json!({ "user": second.id, "send_mail": false })).await;
    assert!(links::find(&ctx, &token(&by_name)).await.is_err(), "a newer link replaces the one before");
    assert!(links::find(&ctx, &token(&by_key)).await.is_ok());
    users::disable(&ctx, second.id).await.unwrap();
    assert_eq!(reset(json!({ "user": second.id, "send_mail": false })).await.status, StatusCode::CONFLICT, "nobody is enabled by a reset");
    let [in_its_own, on_the_platform] = trails(&api, &operator, "establishment.access_reset").await;
    assert_eq!(in_its_own[0]["detail"]["username"], "zoé");
    assert_eq!((in_its_own.as_array().unwrap().len(), on_the_platform.as_array().unwrap().len()), (3, 3));
}

/// SAC-24 and SAC-25.
#[tokio::test]
async fn an_establishment_is_deleted_whole_once_it_is_confirmed() {
    let (api, operator) = served().await;
    let elsewhere = api.establishment("École Curie").await;
    let own = api.token("lycee-ampere", "administrator").await;
    let delete = async |path: &str, token: &str| api.send(Method::DELETE, path, Some(token), None).await;
    for path in [AMPERE.to_owned(), format!("{AMPERE}?confirm="), format!("{AMPERE}?confirm={elsewhere}")] {
        let refused = delete(&path, &operator).await;
        assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["confirm"]), "{path}");
        assert!(refused.body["detail"].as_str().unwrap().contains("«lycee-ampere»"), "what to type is told: {}", refused.body);
    }
    let confirmed = format!("{AMPERE}?confirm=lycee-ampere");
    assert_eq!(delete(&confirmed, &own).await.status, StatusCode::FORBIDDEN, "not by its own administrators");
    assert_eq!(delete("/api/v1/establishments/platform?confirm=platform", &operator).await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&confirmed, &operator).await.status, StatusCode::NO_CONTENT);
    for path in [AMPERE.to_owned(), format!("{AMPERE}/users")] {
        assert_eq!(api.get(&path, &operator).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(api.get(&path, &own).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(delete(&confirmed, &operator).await.status, StatusCode::NOT_FOUND, "once more");
    assert_eq!(api.get(&format!("/api/v1/establishments/{elsewhere}"), &operator).await.status, StatusCode::OK);
    let told = api.get("/api/v1/establishments/platform/audit?action=establishment.deleted", &operator).await;
    assert_eq!((&told.body["total"], &told.body["items"][0]["subject_id"]), (&json!(1), &json!("lycee-ampere")));
    let again = api.post("/api/v1/establishments", &operator, &json!({ "name": "Lycée Ampère" })).await;
    assert_eq!((again.status, &again.body["slug"]), (StatusCode::CREATED, &json!("lycee-ampere")), "the slug is free");
    assert_eq!(api.get(&format!("{AMPERE}/users"), &operator).await.body["total"], 1, "and nothing of before is in it");
    assert_eq!(api.get(&format!("{AMPERE}/users"), &own).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_deletion_that_was_broken_off_is_nowhere_to_be_found_and_carried_on() {
    for by_job in [true, false] {
        let (api, operator) = served().await;
        let ctx = api.test.context("lycee-ampere").await;
        let mut registry = api.test.gateway.stores.registry().begin().await.unwrap();
        establishment::mark_deleting(&mut registry, &ctx.establishment, ctx.now).await.unwrap();
        job::ask(&mut registry, job::Kind::Establishment, "lycee-ampere", ctx.now).await.unwrap();
        registry.commit().await.unwrap();
        api.test.gateway.establishments.forget("lycee-ampere");
        let listed = async || api.get("/api/v1/establishments", &operator).await.body["total"].clone();
        assert_eq!((api.get(AMPERE, &operator).await.status.as_u16(), listed().await), (404, json!(0)), "before anything is removed");
        let client = format!("{AMPERE}/clients/console");
        assert_eq!(api.send(Method::DELETE, &client, Some(&operator), None).await.status, StatusCode::NOT_FOUND);
        if by_job {
            assert_eq!(jobs::run_due(&api.test.gateway, ctx.now).await.unwrap(), 1);
        } else {
            let again = api.send(Method::DELETE, &format!("{AMPERE}?confirm=lycee-ampere"), Some(&operator), None).await;
            assert_eq!(again.status, StatusCode::NO_CONTENT, "{:?}", again.body);
        }
        let mut registry = api.test.gateway.stores.registry().read().await.unwrap();
        assert_eq!(establishment::list_deleting(&mut registry).await.unwrap(), []);
        assert_eq!(job::list(&mut registry).await.unwrap(), [], "no work is left");
        let told = api.get("/api/v1/establishments/platform/audit?action=establishment.deleted", &operator).await;
        assert_eq!(told.body["total"], 1);
    }
}

#[tokio::test]
async fn a_blocking_that_was_broken_off_is_carried_on() {
    let (api, operator) = served().await;
    let ctx = api.test.context("lycee-ampere").await;
    assert_eq!(api.post(&format!("{AMPERE}/block"), &operator, &json!({})).await.status, StatusCode::OK);
    // As if the process had ended before the sessions had: one is there still when the blocking is looked at again.
    let (person, _) = users::create(&ctx, &NewUser { username: "zoé".to_owned(), ..NewUser::default() }).await.unwrap();
    let late = Session {
        id: SessionId::new(),
        user_id: person.id,
        method: "pwd".to_owned(),
        auth_time: ctx.now,
        last_seen_at: ctx.now,
        expires_at: ctx.now.plus_s(3600),
    };
    let cookie = Secret::random("");
    let mut tx = ctx.store.begin().await.unwrap();
    session::insert(&mut tx, cookie.hash(), &late).await.unwrap();
    tx.commit().await.unwrap();
    jobs::run_due(&api.test.gateway, ctx.now.plus_s(600)).await.unwrap();
    let mut tx = ctx.store.read().await.unwrap();
    assert_eq!(session::find_live(&mut tx, cookie.hash(), ctx.now, ctx.now).await.unwrap(), None);
    // What was opened again meanwhile is left alone.
    api.post(&format!("{AMPERE}/block"), &operator, &json!({})).await;
    api.post(&format!("{AMPERE}/unblock"), &operator, &json!({})).await;
    jobs::run_due(&api.test.gateway, ctx.now.plus_s(1200)).await.unwrap();
    assert_eq!(api.get(AMPERE, &operator).await.body["status"], "active");
}

#[tokio::test]
async fn a_blocking_that_is_carried_on_does_not_undo_an_unblocking_meanwhile() {
    let (api, operator) = served().await;
    // An application that listens: notices for it are announced before whoever carries on waits for the writing turn.
    let listens = json!({ "client_id": "notes", "name": "Notes", "redirect_uris": ["https://notes.example.fr/"],
        "backchannel_logout_uri": "https://notes.example.fr/bye" });
    let made = api.post(&format!("{AMPERE}/clients"), &operator, &listens).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let ctx = api.test.context("lycee-ampere").await;
    let (person, _) = users::create(&ctx, &NewUser { username: "zoé".to_owned(), ..NewUser::default() }).await.unwrap();
    let stores = &api.test.gateway.stores;
    let set = async |status| {
        let mut registry = stores.registry().begin().await.unwrap();
        let row = Establishment { status, ..(*ctx.establishment).clone() };
        establishment::update(&mut registry, &row, "ampère").await.unwrap();
        registry.commit().await.unwrap();
        api.test.gateway.establishments.forget("lycee-ampere");
    };
    set(EstablishmentStatus::Blocked).await;
    // The writing turn is held: whoever carries on has seen the blocking, and waits.
    let mut turn = ctx.store.begin().await.unwrap();
    let (gateway, now) = (api.test.gateway.clone(), ctx.now);
    let carrying_on = tokio::spawn(async move {
        let platform = PlatformContext::open(&gateway, Actor::System, now).await.unwrap();
        establishments::carry_on(&platform, "lycee-ampere").await
    });
    let announced = async || job::find(&mut stores.registry().read().await.unwrap(), job::Kind::Outbox, "lycee-ampere", "").await.unwrap();
    while announced().await.is_none() {
        assert!(!carrying_on.is_finished(), "it waits for the turn");
        tokio::task::yield_now().await;
    }
    set(EstablishmentStatus::Active).await;
    let fresh = Session {
        id: SessionId::new(),
        user_id: person.id,
        method: "pwd".to_owned(),
        auth_time: ctx.now,
        last_seen_at: ctx.now,
        expires_at: ctx.now.plus_s(3600),
    };
    let cookie = Secret::random("");
    session::insert(&mut turn, cookie.hash(), &fresh).await.unwrap();
    turn.commit().await.unwrap();
    carrying_on.await.unwrap().unwrap();
    let standing = establishments::current(&ctx).await.unwrap();
    assert_eq!(standing.status, EstablishmentStatus::Active);
    let mut tx = ctx.store.read().await.unwrap();
    assert!(session::find_live(&mut tx, cookie.hash(), ctx.now, ctx.now).await.unwrap().is_some(), "nobody is sent away");
}
