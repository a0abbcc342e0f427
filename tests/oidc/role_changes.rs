//! A change of role is felt at once: in the next answer, and by whoever is to sign in anew (OME-49, SECURITY 26, 27; RFC 7662).

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::jobs;
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::application_use;
use passerelle::store::establishment::assignment::Assignment;
use passerelle::store::establishment::client::{AuthMethod, Client};
use passerelle::store::establishment::user::User;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::listener::Listener;
use crate::harness::relying_party::{Agent, Callback, RelyingParty, Reply, claims, text};
use crate::harness::server::{Place, TestServer};

async fn application(place: &Place, name: &str, on_role_loss: &str) -> Application {
    let fields: ApplicationFields = serde_json::from_value(json!({
        "name": name, "roles": [{ "name": "chef" }, { "name": "membre" }], "policy": { "on_role_loss": on_role_loss },
    }))
    .unwrap();
    applications::create(&place.ctx, &fields).await.unwrap()
}

fn of(application: &Application) -> impl FnOnce(&mut Client) + use<> {
    let (id, name) = (application.id, application.name.clone());
    move |client| {
        client.application_id = Some(id);
        client.application = Some(name);
    }
}

async fn give(place: &Place, user: &User, application: &str, role: &str) -> Assignment {
    let new = NewAssignment {
        user: user.id,
        application: application.to_owned(),
        role: role.to_owned(),
        scope: None,
        valid_from: None,
        valid_until: None,
        reason: None,
    };
    assignments::add(&place.ctx, &new).await.unwrap()
}

async fn signed_in(agent: &mut Agent, party: &RelyingParty) -> Value {
    let address = party.authorize(&[("scope", "openid roles offline_access")]);
    let code = Callback::of(&agent.open(&address).await).code().to_owned();
    party.redeem(&code).await.json()
}

/// Asks about a token as a client with a secret in the form.
async fn introspect(party: &RelyingParty, client: Option<&str>, token: &str) -> Reply {
    let secret = party.secret.expose();
    let form = [("client_id", client.unwrap_or(&party.client_id)), ("client_secret", secret), ("token", token)];
    Reply::of(party.http.post(format!("{}/introspect", party.issuer)).form(&form)).await
}

fn posting(client: &mut Client) {
    client.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
}

#[tokio::test]
async fn a_role_is_in_the_next_user_info_introspection_and_token_and_out_of_them_when_it_ends() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let notes = application(&place, "notes", "refresh").await;
    let with_claims = |client: &mut Client| {
        of(&notes)(client);
        posting(client);
        client.claims_in_id_token = true;
    };
    let (_, secret) = place.client("app", with_claims).await;
    let party = Posting(RelyingParty::new(&place, "app", secret));
    let user = place.user().await;
    let mut agent = Agent::new(&place).with_session(&place, &place.session(&user, 60).await.0);
    let tokens = party.signed_in(&mut agent).await;
    let access = text(&tokens, "access_token");
    assert!(claims(&text(&tokens, "id_token")).get("roles").is_none());
    let told = introspect(&party.0, None, &access).await.json();
    assert_eq!((&told["active"], told.get("username"), &told["sub"]), (&json!(true), None, &json!(user.id)), "no name was released");
    let named = party.released(&mut agent, "openid profile").await;
    assert_eq!(introspect(&party.0, None, &text(&named, "access_token")).await.json()["username"], json!("elodie"));
    assert_eq!((&told["client_id"], told.get("roles"), told.get("name")), (&json!("app"), None, None));
    assert!(told["exp"].as_i64().unwrap() > Timestamp::now().seconds());

    let given = give(&place, &user, "notes", "chef").await;
    assert_eq!(party.0.user_info(&access).await.json()["roles"], json!(["chef"]));
    let told = introspect(&party.0, None, &access).await.json();
    assert_eq!((&told["roles"], &told["assignments"][0]["role"]), (&json!(["chef"]), &json!("chef")));
    let renewed = party.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!(claims(&text(&renewed, "id_token"))["roles"], json!(["chef"]));

    assignments::end(&place.ctx, given.id).await.unwrap();
    assert_eq!(party.0.user_info(&access).await.json().get("roles"), None);
    let told = introspect(&party.0, None, &access).await.json();
    assert_eq!((&told["active"], told.get("roles")), (&json!(true), None), "nobody wanted the sign-in to end");
    let renewed = party.refresh(&text(&renewed, "refresh_token")).await;
    assert!(claims(&text(&renewed, "id_token")).get("roles").is_none());
    let mut tx = place.ctx.store.read().await.unwrap();
    let last = application_use::last(&mut tx, user.id, notes.id).await.unwrap();
    assert_eq!(last, Some(application_use::day(Timestamp::now())));
}

/// A relying party that sends its secret in the form.
struct Posting(RelyingParty);

impl Posting {
    async fn token(&self, form: &[(&str, &str)]) -> Value {
        let secret = self.0.secret.expose();
        let own = [("client_id", self.0.client_id.as_str()), ("client_secret", secret)];
        let form: Vec<(&str, &str)> = own.into_iter().chain(form.iter().copied()).collect();
        self.0.token_as(None, &form).await.json()
    }

    async fn signed_in(&self, agent: &mut Agent) -> Value {
        self.released(agent, "openid roles offline_access").await
    }

    async fn released(&self, agent: &mut Agent, scope: &str) -> Value {
        use crate::harness::relying_party::VERIFIER;
        use crate::harness::server::CALLBACK;
        let address = self.0.authorize(&[("scope", scope)]);
        let code = Callback::of(&agent.open(&address).await).code().to_owned();
        let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        self.token(&form).await
    }

    async fn refresh(&self, token: &str) -> Value {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }
}

#[tokio::test]
async fn only_the_parts_of_an_application_learn_what_its_tokens_stand_for() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (notes, other) = (application(&place, "notes", "refresh").await, application(&place, "autre", "refresh").await);
    let both = |a: &Application| {
        let of = of(a);
        move |client: &mut Client| {
            of(client);
            posting(client);
        }
    };
    let (_, secret) = place.client("app", of(&notes)).await;
    let part = RelyingParty::new(&place, "part", place.client("part", both(&notes)).await.1);
    let stranger = RelyingParty::new(&place, "stranger", place.client("stranger", both(&other)).await.1);
    let public = |client: &mut Client| {
        client.secret_hash = None;
        client.token_endpoint_auth_method = AuthMethod::None;
    };
    place.client("public", public).await;
    let party = RelyingParty::new(&place, "app", secret);
    let mut agent = Agent::new(&place).with_session(&place, &place.session(&place.user().await, 60).await.0);
    let access = text(&signed_in(&mut agent, &party).await, "access_token");
    assert_eq!(introspect(&part, None, &access).await.json()["active"], true);
    assert_eq!(introspect(&stranger, None, &access).await.json(), json!({ "active": false }), "and nothing more");
    assert_eq!(introspect(&part, None, "no-such-token").await.json(), json!({ "active": false }));
    assert_eq!(introspect(&part, None, "").await.error(), (400, "invalid_request".into()));
    assert_eq!(introspect(&stranger, Some("part"), &access).await.error(), (401, "invalid_client".into()));
    let form = [("client_id", "public"), ("token", access.as_str())];
    let refused = Reply::of(party.http.post(format!("{}/introspect", party.issuer)).form(&form)).await;
    assert_eq!(refused.error(), (401, "invalid_client".into()));
}

#[tokio::test]
async fn whoever_loses_a_role_signs_in_anew_where_the_application_wants_it() {
    let mut listener = Listener::start(&[]).await;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (notes, other) = (application(&place, "notes", "end_sessions").await, application(&place, "autre", "refresh").await);
    let listening = {
        let (registered, of) = (listener.registered(), of(&notes));
        |client: &mut Client| {
            registered(client);
            of(client);
        }
    };
    let party = RelyingParty::new(&place, "app", place.client("app", listening).await.1);
    let beside = RelyingParty::new(&place, "beside", place.client("beside", of(&other)).await.1);
    let (user, colleague) = (place.user().await, place.other_user("basile").await);
    let chef = give(&place, &user, "notes", "chef").await;
    for one in [&user, &colleague] {
        give(&place, one, "notes", "membre").await;
    }
    let elsewhere = give(&place, &user, "autre", "chef").await;
    let mut agent = Agent::new(&place).with_session(&place, &place.session(&user, 60).await.0);
    let mut other_agent = Agent::new(&place).with_session(&place, &place.session(&colleague, 60).await.0);
    let tokens = signed_in(&mut agent, &party).await;
    let kept = [text(&signed_in(&mut agent, &beside).await, "access_token")];
    let of_colleague = text(&signed_in(&mut other_agent, &party).await, "access_token");

    // What is given ends nothing, and neither does what an application does not mind.
    let more = give(&place, &colleague, "notes", "chef").await;
    assignments::end(&place.ctx, elsewhere.id).await.unwrap();
    assert_eq!(party.user_info(&text(&tokens, "access_token")).await.status, 200);
    jobs::run_due(&server.gateway, Timestamp::now()).await.unwrap();
    assert!(listener.rest().is_empty());

    assignments::end(&place.ctx, chef.id).await.unwrap();
    assert_eq!(party.user_info(&text(&tokens, "access_token")).await.status, 401);
    assert_eq!(party.refresh(&text(&tokens, "refresh_token")).await.error(), (400, "invalid_grant".into()));
    assert_eq!(beside.user_info(&kept[0]).await.status, 200);
    assert_eq!(party.user_info(&of_colleague).await.status, 200);
    jobs::run_due(&server.gateway, Timestamp::now()).await.unwrap();
    let heard = claims(&listener.hear().await.token());
    assert_eq!(heard["sub"], json!(user.id));
    assert!(listener.rest().is_empty(), "one person, one client");
    // They sign in again with what they still hold, without a password: their session at the gateway goes on.
    let again = signed_in(&mut agent, &party).await;
    assert_eq!(party.user_info(&text(&again, "access_token")).await.json()["roles"], json!(["membre"]));
    assignments::end(&place.ctx, more.id).await.unwrap();
    assert_eq!(party.user_info(&of_colleague).await.status, 401);
}

#[tokio::test]
async fn a_client_that_wants_a_role_is_left_with_the_last_one() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let notes = application(&place, "notes", "refresh").await;
    let wanting = {
        let of = of(&notes);
        |client: &mut Client| {
            of(client);
            client.require_role = true;
        }
    };
    let strict = RelyingParty::new(&place, "strict", place.client("strict", wanting).await.1);
    let mild = RelyingParty::new(&place, "mild", place.client("mild", of(&notes)).await.1);
    let user = place.user().await;
    let (one, two) = (give(&place, &user, "notes", "chef").await, give(&place, &user, "notes", "membre").await);
    let mut agent = Agent::new(&place).with_session(&place, &place.session(&user, 60).await.0);
    let at_strict = text(&signed_in(&mut agent, &strict).await, "access_token");
    let at_mild = text(&signed_in(&mut agent, &mild).await, "access_token");
    assignments::end(&place.ctx, one.id).await.unwrap();
    assert_eq!(strict.user_info(&at_strict).await.status, 200, "one is left");
    assignments::end(&place.ctx, two.id).await.unwrap();
    assert_eq!(strict.user_info(&at_strict).await.status, 401);
    assert_eq!(mild.user_info(&at_mild).await.status, 200);
}
