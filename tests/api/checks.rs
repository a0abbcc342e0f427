//! Applications that ask whether someone may do something.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::user::{self, UserStatus};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::{Answer, Served};

struct Place {
    api: Served,
    base: String,
    token: String,
    person: String,
}

impl Place {
    /// A client registered as described, and its secret.
    async fn client(&self, fields: &Value) -> String {
        let made = self.api.post(&format!("{}/clients", self.base), &self.token, fields).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        made.body["client_secret"].as_str().unwrap_or_default().to_owned()
    }

    async fn ask_as(&self, client: &str, secret: &str, question: &Value, more: &[(&str, &str)]) -> Answer {
        let header = format!("Basic {}", BASE64_STANDARD.encode(format!("{client}:{secret}")));
        let headers: Vec<(&str, &str)> = [("authorization", header.as_str())].into_iter().chain(more.iter().copied()).collect();
        self.api.send_with(Method::POST, &format!("{}/check", self.base), None, Some(question), &headers).await
    }
}

async fn place() -> Place {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    for name in ["scodoc", "omenori"] {
        api.post(&format!("{base}/applications/import"), &token, &json!({ "catalogue": name })).await;
    }
    let ctx = api.test.context(&slug).await;
    let (mut person, _) = users::create(&ctx, &NewUser { username: "dupont".to_owned(), ..NewUser::default() }).await.unwrap();
    person.status = UserStatus::Active;
    let mut tx = ctx.store.begin().await.unwrap();
    user::update(&mut tx, &person).await.unwrap();
    tx.commit().await.unwrap();
    let person = person.id.to_string();
    let given = json!({ "user": person, "application": "scodoc", "role": "Ens", "scope": "GEII", "reason": "vacataire" });
    assert_eq!(api.post(&format!("{base}/assignments"), &token, &given).await.status, StatusCode::CREATED);
    Place { api, base, token, person }
}

#[tokio::test]
async fn one_question_has_one_answer_with_its_reason() {
    let place = place().await;
    let check = format!("{}/check", place.base);
    let question = json!({ "user": place.person, "application": "scodoc", "privilege": "AbsChange", "scope": "GEII" });
    let answer = place.api.post(&check, &place.token, &question).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!((&answer.body["allowed"], &answer.body["level"]), (&json!(true), &json!("yes")));
    assert_eq!((&answer.body["role"], &answer.body["scope"], &answer.body["pending"]), (&json!("Ens"), &json!("GEII"), &json!(false)));
    assert_eq!((&answer.body["reason"]["because"], &answer.body["reason"]["origin"]), (&json!("role"), &json!("manual")));
    assert_eq!(answer.body["reason"]["path"][0]["name"], "vacataire");
    let elsewhere = json!({ "username": "Dupont", "application": "scodoc", "privilege": "AbsChange", "scope": "RT" });
    let answer = place.api.post(&check, &place.token, &elsewhere).await.body;
    assert_eq!(
        (&answer["allowed"], &answer["reason"]["because"], &answer["reason"]["scopes"]),
        (&json!(false), &json!("other_scope"), &json!(["GEII"]))
    );
    for (wrong, field) in [
        (json!({ "application": "scodoc", "privilege": "AbsChange" }), "user"),
        (json!({ "username": "dupont", "application": "nothing", "privilege": "AbsChange" }), "application"),
        (json!({ "username": "dupont", "application": "scodoc", "privilege": "AbsChange", "level": "own" }), "level"),
        (json!({ "username": "dupont", "application": "scodoc" }), "privilege"),
    ] {
        let refused = place.api.post(&check, &place.token, &wrong).await;
        assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec![field]), "{:?}", refused.body);
    }
}

#[tokio::test]
async fn several_questions_are_answered_in_their_order() {
    let place = place().await;
    let check = format!("{}/check", place.base);
    let of = |privilege: &str| json!({ "user": place.person, "application": "scodoc", "privilege": privilege, "scope": "GEII" });
    let several = json!({ "checks": [of("AbsChange"), of("UsersAdmin"), of("EnsView")] });
    let answers = place.api.post(&check, &place.token, &several).await.body["answers"].clone();
    let allowed: Vec<bool> = answers.as_array().unwrap().iter().map(|answer| answer["allowed"].as_bool().unwrap()).collect();
    assert_eq!(allowed, [true, false, true]);
    assert_eq!(place.api.post(&check, &place.token, &json!({ "checks": [] })).await.body, json!({ "answers": [] }));
    let one = place.api.post(&check, &place.token, &json!({ "checks": [of("EnsView")] })).await;
    assert_eq!(one.body["answers"].as_array().unwrap().len(), 1);
    let many = json!({ "checks": vec![of("EnsView"); 1_001] });
    assert_eq!(place.api.post(&check, &place.token, &many).await.fields(), ["checks"]);
    let wrong = json!({ "checks": [of("EnsView"), { "application": "scodoc", "privilege": "x" }] });
    assert_eq!(place.api.post(&check, &place.token, &wrong).await.fields(), ["checks[1].user"]);
}

/// An application asks with the secret of a client of its own, about itself alone, and does nothing else with it.
#[tokio::test]
async fn an_application_asks_about_itself_with_its_clients_secret() {
    let place = place().await;
    let secret = place.client(&json!({ "client_id": "scodoc", "name": "ScoDoc", "application": "scodoc" })).await;
    let question = json!({ "user": place.person, "application": "scodoc", "privilege": "AbsChange", "scope": "GEII" });
    let answer = place.ask_as("scodoc", &secret, &question, &[]).await;
    assert_eq!((answer.status, &answer.body["allowed"]), (StatusCode::OK, &json!(true)), "{:?}", answer.body);
    assert_eq!(
        (&answer.body["reason"]["because"], &answer.body["reason"]["path"]),
        (&json!("role"), &json!([])),
        "by which facts is not told"
    );
    let other = json!({ "user": place.person, "application": "omenori", "privilege": "calendar" });
    assert_eq!(place.ask_as("scodoc", &secret, &other, &[]).await.status, StatusCode::FORBIDDEN);
    let both = json!({ "checks": [question, other] });
    assert_eq!(place.ask_as("scodoc", &secret, &both, &[]).await.status, StatusCode::FORBIDDEN);
    // Keys are not kept for those who do not act: another client's answer never comes back by one.
    let keyed = [("idempotency-key", "one")];
    assert!(place.ask_as("scodoc", &secret, &question, &keyed).await.status.is_success());
    let none = place.client(&json!({ "client_id": "bare", "name": "Sans application" })).await;
    assert_eq!(place.ask_as("bare", &none, &question, &keyed).await.status, StatusCode::FORBIDDEN);
    for (client, secret) in [("scodoc", "wrong"), ("nobody", secret.as_str()), ("scodoc", ""), ("bare", secret.as_str())] {
        assert_eq!(place.ask_as(client, secret, &question, &[]).await.status, StatusCode::UNAUTHORIZED, "{client}");
    }
    place.client(&json!({ "client_id": "spa", "name": "Page", "application": "scodoc", "token_endpoint_auth_method": "none" })).await;
    assert_eq!(place.ask_as("spa", "", &question, &[]).await.status, StatusCode::UNAUTHORIZED, "a public client proves nothing");
    let header = format!("Basic {}", BASE64_STANDARD.encode(format!("scodoc:{secret}")));
    for path in ["users", "applications", "assignments"] {
        let path = format!("{}/{path}", place.base);
        let answer = place.api.send_with(Method::GET, &path, None, None, &[("authorization", &header)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let elsewhere = place.api.establishment("École Curie").await;
    let path = format!("/api/v1/establishments/{elsewhere}/check");
    let stranger = place.api.send_with(Method::POST, &path, None, Some(&question), &[("authorization", &header)]).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    place.api.patch(&format!("{}/clients/scodoc", place.base), &place.token, &json!({ "enabled": false })).await;
    assert_eq!(place.ask_as("scodoc", &secret, &question, &[]).await.status, StatusCode::UNAUTHORIZED);
}

/// Whether someone is known and active is told to applications that are released roles.
#[tokio::test]
async fn a_client_without_the_scope_of_roles_does_not_learn_who_is_known() {
    let place = place().await;
    let ctx = place.api.test.context(place.base.rsplit('/').next().unwrap()).await;
    users::create(&ctx, &NewUser { username: "attend".to_owned(), ..NewUser::default() }).await.unwrap();
    let asked = |who: &str| json!({ "username": who, "application": "scodoc", "privilege": "AbsChange" });
    let both = json!({ "checks": [asked("personne"), asked("attend")] });
    for (client, scopes, told) in
        [("discret", json!(["openid"]), ["no_role", "no_role"]), ("confident", json!(["openid", "roles"]), ["unknown_person", "inactive"])]
    {
        let fields = json!({ "client_id": client, "name": client, "application": "scodoc", "scopes": scopes });
        let secret = place.client(&fields).await;
        let answers = place.ask_as(client, &secret, &both, &[]).await.body["answers"].clone();
        let because: Vec<&str> = answers.as_array().unwrap().iter().map(|one| one["reason"]["because"].as_str().unwrap()).collect();
        assert_eq!(because, told, "{client}");
    }
    // One who is known and has no role is answered in the very same words.
    let known = place.ask_as("scodoc", "", &asked("dupont"), &[]).await;
    assert_eq!(known.status, StatusCode::UNAUTHORIZED);
}
