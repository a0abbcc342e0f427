//! Relying parties, signing keys, API tokens, and the trail.

use passerelle::store::establishment::api_token::{ApiToken, TokenKind};
use passerelle::store::establishment::audit_event::AuditEvent;
use passerelle::store::establishment::client::{AuthMethod, Client, ConsentPolicy, Filter, Pkce, SigningAlgorithm};
use passerelle::store::establishment::signing_key::{KeyState, SigningKey};
use passerelle::store::establishment::{api_token, application, audit_event, client, signing_key};
use passerelle::types::id::{ApplicationId, TokenId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW, token};

async fn with_clients(bed: &Bed, clients: &[Client]) {
    bed.write(async |tx| {
        for one in clients {
            client::insert(tx, one).await?;
        }
        Ok(())
    })
    .await;
}

fn bare_client(client_id: &str) -> Client {
    Client {
        secret_hash: None,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        backchannel_logout_session_required: false,
        token_endpoint_auth_method: AuthMethod::None,
        id_token_signed_response_alg: SigningAlgorithm::Rs256,
        scopes: Vec::new(),
        pkce: Pkce::Required,
        consent: ConsentPolicy::Ask,
        claims_in_id_token: false,
        require_role: true,
        claim_shape: Value::Null,
        enabled: false,
        ..samples::client(client_id)
    }
}

#[tokio::test]
async fn a_client_comes_back_as_written_and_as_changed() {
    on_every_engine(async |bed| {
        let notes = samples::application("notes");
        bed.write(async |tx| application::insert(tx, &notes).await).await;
        let full = Client { application_id: Some(notes.id), application: Some(notes.name.clone()), ..samples::client("scodoc-é") };
        let basic = Client { token_endpoint_auth_method: AuthMethod::ClientSecretBasic, ..samples::client("basic") };
        let bare = bare_client("public");
        with_clients(bed, &[full.clone(), bare.clone(), basic.clone()]).await;
        let mut tx = bed.read().await;
        for written in [&full, &bare, &basic] {
            assert_eq!(client::find(&mut tx, &written.client_id).await.unwrap().as_ref(), Some(written));
        }
        assert_eq!(client::find(&mut tx, "SCODOC-É").await.unwrap(), None);
        let changed =
            Client { id: full.id, created_at: full.created_at, updated_at: LATER, name: "é".to_owned(), ..bare_client("scodoc-é") };
        bed.write(async |tx| client::update(tx, &Client { created_at: LATER, client_id: "autre".to_owned(), ..changed.clone() }).await)
            .await;
        assert_eq!(client::find(&mut tx, "scodoc-é").await.unwrap(), Some(changed), "the identifier and the creation stay");
        bed.write(async |tx| client::delete(tx, "scodoc-é").await).await;
        assert_eq!(client::find(&mut tx, "scodoc-é").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn clients_are_walked_searched_and_every_filter_narrows() {
    on_every_engine(async |bed| {
        let notes = samples::application("notes");
        bed.write(async |tx| application::insert(tx, &notes).await).await;
        let with = |client_id: &str| Client {
            application_id: Some(notes.id),
            application: Some(notes.name.clone()),
            ..samples::client(client_id)
        };
        let all = [
            with("a"),
            bare_client("b"),
            Client { enabled: false, ..with("c") },
            Client { name: "Grafana".to_owned(), ..samples::client("d") },
        ];
        with_clients(bed, &all).await;
        let cases: [(Filter, &[usize]); 7] = [
            (Filter::default(), &[0, 1, 2, 3]),
            (Filter { client_id: Some("b".to_owned()), ..Filter::default() }, &[1]),
            (Filter { name: Some("Grafana".to_owned()), ..Filter::default() }, &[3]),
            (Filter { application: Some("notes".to_owned()), ..Filter::default() }, &[0, 2]),
            (Filter { enabled: Some(true), ..Filter::default() }, &[0, 3]),
            (Filter { enabled: Some(false), ..Filter::default() }, &[1, 2]),
            (Filter { enabled: Some(false), application: Some("notes".to_owned()), ..Filter::default() }, &[2]),
        ];
        let mut tx = bed.read().await;
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| client::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        let searches: [(&str, &[usize]); 4] = [("DÉPARTEMENT", &[0, 1, 2]), ("departement rt", &[0, 1, 2]), ("grafana", &[3]), ("%", &[])];
        for (query, expected) in searches {
            let found = walk(1, Some(query), async |page| client::list(&mut tx, page, &Filter::default()).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{query}");
        }
        let renamed = Client { name: "Évaluations".to_owned(), ..all[3].clone() };
        bed.write(async |tx| client::update(tx, &renamed).await).await;
        let found = walk(1, Some("evaluations"), async |page| client::list(&mut tx, page, &Filter::default()).await).await;
        assert_eq!(found, [renamed], "searches look in what was written last");
    })
    .await;
}

#[tokio::test]
async fn a_client_s_identifier_is_its_own_and_an_absent_one_is_told() {
    on_every_engine(async |bed| {
        with_clients(bed, &[samples::client("app")]).await;
        bed.refuses_as_taken("clients.client_id", async |tx| client::insert(tx, &samples::client("app")).await).await;
        bed.refuses_as_not_found("client", async |tx| client::update(tx, &samples::client("app")).await).await;
        bed.refuses_as_not_found("client", async |tx| client::delete(tx, "autre").await).await;
        let lost = Client { application_id: Some(ApplicationId::new()), ..samples::client("perdu") };
        bed.refuses_as_referenced(async |tx| client::insert(tx, &lost).await).await;
    })
    .await;
}

#[tokio::test]
async fn signing_keys_are_listed_newest_first_and_retired_but_one() {
    on_every_engine(async |bed| {
        let key = |kid: &str, algorithm, age: i64| SigningKey {
            kid: kid.to_owned(),
            algorithm,
            public_jwk: json!({ "kty": "EC", "x": "é", "kid": kid }),
            private_sealed: vec![0, 1, 2, 255],
            state: KeyState::Active,
            created_at: NOW.plus_s(-age),
        };
        let keys = [key("b", SigningAlgorithm::Es256, 20), key("a", SigningAlgorithm::Es256, 10), key("c", SigningAlgorithm::Rs256, 10)];
        bed.write(async |tx| {
            for one in &keys {
                signing_key::insert(tx, one).await?;
            }
            signing_key::retire_others(tx, SigningAlgorithm::Es256, "a").await
        })
        .await;
        let listed = signing_key::list(&mut bed.read().await).await.unwrap();
        let shown: Vec<(&str, KeyState)> = listed.iter().map(|k| (k.kid.as_str(), k.state)).collect();
        assert_eq!(shown, [("a", KeyState::Active), ("c", KeyState::Active), ("b", KeyState::Retired)]);
        let first = &listed[0];
        assert_eq!((first.algorithm, &first.public_jwk), (SigningAlgorithm::Es256, &json!({ "kty": "EC", "x": "é", "kid": "a" })));
        assert_eq!((first.private_sealed.as_slice(), first.created_at), ([0, 1, 2, 255].as_slice(), NOW.plus_s(-10)));
        bed.refuses_as_taken("signing_keys.kid", async |tx| signing_key::insert(tx, &keys[0]).await).await;
    })
    .await;
}

pub fn api_token(name: &str, kind: TokenKind, expires_at: Option<passerelle::types::time::Timestamp>) -> ApiToken {
    ApiToken {
        id: TokenId::new(),
        name: name.to_owned(),
        kind,
        scope: "administrator".to_owned(),
        created_at: NOW,
        last_used_at: None,
        expires_at,
        created_by: Some(UserId::new()),
        within: Some("rt".to_owned()),
        source_id: None,
    }
}

#[tokio::test]
async fn an_api_token_lives_until_it_expires_or_is_revoked() {
    on_every_engine(async |bed| {
        let (endless, brief) = (api_token("sans fin", TokenKind::Api, None), api_token("brève", TokenKind::Scim, Some(LATER)));
        let used = ApiToken { last_used_at: Some(NOW), ..api_token("servi", TokenKind::Api, None) };
        bed.write(async |tx| {
            for one in [&endless, &brief, &used] {
                api_token::insert(tx, token(&one.name), one).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        for written in [&endless, &brief, &used] {
            assert_eq!(api_token::find(&mut tx, written.id).await.unwrap().as_ref(), Some(written));
            assert_eq!(api_token::find_live(&mut tx, token(&written.name), LATER.plus_s(-1)).await.unwrap().as_ref(), Some(written));
        }
        assert_eq!(api_token::find_live(&mut tx, token("brève"), LATER).await.unwrap(), None);
        assert_eq!(api_token::find_live(&mut tx, token("sans fin"), LATER).await.unwrap(), Some(endless.clone()));
        assert_eq!(api_token::find_live(&mut tx, token("inconnue"), NOW).await.unwrap(), None);
        bed.write(async |tx| {
            api_token::touch(tx, endless.id, LATER).await?;
            api_token::delete(tx, used.id).await
        })
        .await;
        assert_eq!(api_token::find(&mut tx, endless.id).await.unwrap(), Some(ApiToken { last_used_at: Some(LATER), ..endless }));
        assert_eq!(api_token::find(&mut tx, brief.id).await.unwrap(), Some(brief.clone()), "a use of one is none of another");
        assert_eq!(api_token::find_live(&mut tx, token("servi"), NOW).await.unwrap(), None);
        bed.refuses_as_not_found("token", async |tx| api_token::delete(tx, used.id).await).await;
        let of_unit = ApiToken { scope: "help_desk".to_owned(), ..api_token("d'unité", TokenKind::Api, None) };
        bed.write(async |tx| {
            api_token::insert(tx, token("d'unité"), &of_unit).await?;
            api_token::rename_unit(tx, "rt", "réseaux").await
        })
        .await;
        let mut tx = bed.read().await;
        let places = [of_unit.id, brief.id].map(|id| (id, if id == of_unit.id { "réseaux" } else { "rt" }));
        for (id, place) in places {
            assert_eq!(api_token::find(&mut tx, id).await.unwrap().unwrap().within.as_deref(), Some(place), "only roles in units follow");
        }
        drop(tx);
        let same_secret = api_token("autre", TokenKind::Api, None);
        bed.refuses_as_taken("api_tokens.secret_hash", async |tx| api_token::insert(tx, token("brève"), &same_secret).await).await;
    })
    .await;
}

#[tokio::test]
async fn api_tokens_are_walked_searched_and_every_filter_narrows() {
    on_every_engine(async |bed| {
        let all = [
            api_token("a", TokenKind::Api, None),
            api_token("a", TokenKind::Scim, None),
            ApiToken { scope: "auditor".to_owned(), ..api_token("100 % b_c département", TokenKind::Api, None) },
        ];
        bed.write(async |tx| {
            for (n, one) in all.iter().enumerate() {
                api_token::insert(tx, token(&n.to_string()), one).await?;
            }
            Ok(())
        })
        .await;
        let text = |raw: &str| Some(raw.to_owned());
        let cases: [(api_token::Filter, &[usize]); 6] = [
            (api_token::Filter::default(), &[0, 1, 2]),
            (api_token::Filter { name: text("a"), ..api_token::Filter::default() }, &[0, 1]),
            (api_token::Filter { kind: text("api"), ..api_token::Filter::default() }, &[0, 2]),
            (api_token::Filter { scope: text("auditor"), ..api_token::Filter::default() }, &[2]),
            (api_token::Filter { name: text("a"), kind: text("scim"), scope: text("administrator"), within: text("rt") }, &[1]),
            (api_token::Filter { within: text("geii"), ..api_token::Filter::default() }, &[]),
        ];
        let mut tx = bed.read().await;
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| api_token::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        for (query, expected) in
            [("%", &all[2..]), ("B_C", &all[2..]), ("DÉPART", &all[2..]), ("_", &all[2..]), ("a", &all[..]), ("x", &[])]
        {
            let found = walk(1, Some(query), async |page| api_token::list(&mut tx, page, &api_token::Filter::default()).await).await;
            assert_eq!(found, expected, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_trail_is_walked_newest_first_and_every_filter_narrows() {
    on_every_engine(async |bed| {
        let event = |actor: &str, action: &str, subject: &str, detail| AuditEvent {
            id: Uuid::now_v7(),
            at: NOW,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject_kind: action.split('.').next().unwrap().to_owned(),
            subject_id: subject.to_owned(),
            detail,
        };
        let mut all = vec![
            event("user:élodie", "user.disabled", "1", json!({ "avant": { "prénom": "Zoë", "n": null } })),
            event("user:élodie", "user.enabled", "1", Value::Null),
            event("system", "user.disabled", "2", json!([])),
            event("user:élodie", "source.created", "2", json!({})),
        ];
        bed.write(async |tx| {
            for one in &all {
                audit_event::insert(tx, one).await?;
            }
            Ok(())
        })
        .await;
        all.reverse();
        let text = |raw: &str| Some(raw.to_owned());
        let all_pass = audit_event::Filter::default();
        let cases: [(audit_event::Filter, &[usize]); 7] = [
            (all_pass.clone(), &[0, 1, 2, 3]),
            (audit_event::Filter { actor: text("user:élodie"), ..all_pass.clone() }, &[0, 2, 3]),
            (audit_event::Filter { action: text("user.disabled"), ..all_pass.clone() }, &[1, 3]),
            (audit_event::Filter { subject_kind: text("user"), ..all_pass.clone() }, &[1, 2, 3]),
            (audit_event::Filter { subject_id: text("1"), ..all_pass.clone() }, &[2, 3]),
            (audit_event::Filter { action: text("user.disabled"), subject_id: text("1"), ..all_pass.clone() }, &[3]),
            (audit_event::Filter { actor: text("system"), subject_kind: text("source"), ..all_pass }, &[]),
        ];
        let mut tx = bed.read().await;
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| audit_event::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        for (action, subject, expected) in [("user.enabled", "1", true), ("user.enabled", "2", false), ("source.created", "2", false)] {
            assert_eq!(audit_event::any(&mut tx, action, "user", subject).await.unwrap(), expected, "{action} {subject}");
        }
        let unfiltered = audit_event::Filter::default();
        let found = walk(1, Some("Disabled"), async |page| audit_event::list(&mut tx, page, &unfiltered).await).await;
        assert_eq!(found, [all[1].clone(), all[3].clone()], "words are looked for in what was done");
    })
    .await;
}
