//! Who may save and put back what: nobody reads in an archive what they may not read here, and nobody brings in rights that were never here.

use passerelle::services::archives::{self, Secrets};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::{roles, tokens};
use passerelle::store::establishment::api_token::{self, ApiToken, TokenKind};
use passerelle::store::establishment::application::{self, Role};
use passerelle::store::establishment::archive::{self, Cell};
use passerelle::store::establishment::archive_tables::TABLES;
use passerelle::store::establishment::rule::{self, Rule};
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::store::registry::establishment::{self, Establishment};
use passerelle::types::id::{RuleId, TokenId};
use passerelle::types::permission::{APPLICATION, GatewayRole};
use passerelle::types::secret::Secret;

use super::school::{School, key_pair, save, unwatched};
use crate::harness::gateway::TestGateway;

fn acting_as(ctx: &Context, role: GatewayRole) -> Context {
    Context { actor: Actor::token(TokenId::new(), role), ..ctx.clone() }
}

#[tokio::test]
async fn an_auditor_saves_nothing() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let auditor = acting_as(&school.ctx, GatewayRole::Auditor);
    let refused = archives::save(&auditor, &lock, &school.file("a.age"), false, &unwatched()).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(!school.file("a.age").exists() && !school.file("a.age.part").exists());
    let file = school.save("galois.age", &lock).await;
    assert!(matches!(archives::restore(&auditor, &file, &key, &unwatched()).await, Err(Error::Forbidden(_))));
    assert!(matches!(archives::rehearse(&auditor, &file, &key, &unwatched()).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn an_administrators_archive_keeps_secrets_sealed_and_comes_back_here_only() {
    let (school, elsewhere) = (School::start().await, TestGateway::start().await);
    let (lock, key) = key_pair();
    let administrator = acting_as(&school.ctx, GatewayRole::Administrator);
    let file = save(&administrator, &lock, &school.file("own.age")).await.path;
    let checked = archives::verify(&school.ctx.gateway, &file, &key, &unwatched()).await.unwrap();
    assert_eq!(checked.header.secrets, Secrets::Sealed);
    archives::restore(&administrator, &file, &key, &unwatched()).await.unwrap();
    school.lives_on_in(&school.ctx).await;
    assert!(archives::rehearse(&administrator, &file, &key, &unwatched()).await.unwrap().whole);
    let refused = archives::import(&elsewhere.platform().await, &file, &key, None, &unwatched()).await;
    assert!(matches!(refused, Err(Error::Archive { reason: "archive-key", .. })), "{refused:?}");
    // An operator of this installation may still make a copy of it.
    archives::import(&school.test.platform().await, &file, &key, Some("copie"), &unwatched()).await.unwrap();
    school.lives_on_in(&school.test.context("copie").await).await;
}

#[tokio::test]
async fn an_administrator_puts_back_only_what_was_written_here_for_this_establishment() {
    let (school, elsewhere) = (School::start().await, TestGateway::start().await);
    let (lock, key) = key_pair();
    let (_, theirs) = elsewhere.establishment("Lycée Évariste-Galois").await;
    assert_eq!(theirs.slug(), school.ctx.slug());
    let foreign = save(&theirs, &lock, &school.file("foreign.age")).await.path;
    let administrator = acting_as(&school.ctx, GatewayRole::Administrator);
    let refused = archives::restore(&administrator, &foreign, &key, &unwatched()).await;
    assert!(matches!(refused, Err(Error::Archive { reason: "archive-unfit", .. })), "{refused:?}");
    let (_, other) = school.test.establishment("Collège Simone-Veil").await;
    let of_another = save(&other, &lock, &school.file("other.age")).await.path;
    let refused = archives::restore(&school.ctx, &of_another, &key, &unwatched()).await;
    assert!(matches!(refused, Err(Error::Archive { reason: "archive-unfit", .. })), "{refused:?}");
    // An operator may take in what another installation wrote.
    archives::restore(&school.ctx, &foreign, &key, &unwatched()).await.unwrap();
}

#[tokio::test]
async fn an_archive_makes_nobody_an_operator() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    for (table, column) in [("assignments", "role"), ("api_tokens", "scope")] {
        let (_, ctx) = school.test.establishment(&format!("École {table}")).await;
        tokens::create(&ctx, &serde_json::from_value(serde_json::json!({ "name": "One", "scope": "auditor" })).unwrap()).await.unwrap();
        let table = TABLES.iter().find(|known| known.name == table).unwrap();
        let mut tx = ctx.store.begin().await.unwrap();
        let mut rows = archive::list_rows(&mut tx, table, None, 10).await.unwrap();
        rows.truncate(1);
        rows[0][0] = Cell::Uuid(uuid::Uuid::now_v7());
        rows[0][table.column(column).unwrap()] = Cell::Text("operator".to_owned());
        if let Some(at) = table.column("secret_hash") {
            rows[0][at] = Cell::Bytes(vec![3; 32]);
        }
        archive::insert_rows(&mut tx, table, &rows).await.unwrap();
        tx.commit().await.unwrap();
        let file = save(&ctx, &lock, &school.file(&format!("{}.age", table.name))).await.path;
        let refused = archives::import(&school.test.platform().await, &file, &key, Some("copie"), &unwatched()).await;
        assert!(matches!(refused, Err(Error::Archive { reason: "archive-unfit", .. })), "{refused:?}");
        let gone = Context::open(&school.test.gateway, "copie", Actor::System, school.ctx.now).await;
        assert!(matches!(gone, Err(Error::NotFound(_))), "nothing is left of it");
    }
}

#[tokio::test]
async fn no_catalogue_default_or_template_of_an_archive_makes_an_operator() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let operator = || "operator".to_owned();
    for smuggling in ["catalogue", "default", "template"] {
        let (_, ctx) = school.test.establishment(&format!("École {smuggling}")).await;
        let mut tx = ctx.store.begin().await.unwrap();
        let mut own = application::find_by_name(&mut tx, APPLICATION).await.unwrap().unwrap();
        match smuggling {
            "catalogue" => own.roles.insert(0, Role { name: operator(), ..Role::default() }),
            "default" => own.default_role = Some(operator()),
            _ => {
                let rule = Rule {
                    id: RuleId::new(),
                    application_id: own.id,
                    application: own.name.clone(),
                    conditions: Vec::new(),
                    role: "{role}".to_owned(),
                    scope: None,
                    priority: 0,
                    enabled: true,
                    valid_from: None,
                    valid_until: None,
                    ends: None,
                    created_at: ctx.now,
                    updated_at: ctx.now,
                };
                rule::insert(&mut tx, &rule).await.unwrap();
            }
        }
        application::update(&mut tx, &own).await.unwrap();
        tx.commit().await.unwrap();
        let file = save(&ctx, &lock, &school.file(&format!("{smuggling}.age"))).await.path;
        let refused = archives::import(&school.test.platform().await, &file, &key, Some("copie"), &unwatched()).await;
        assert!(matches!(refused, Err(Error::Archive { reason: "archive-unfit", .. })), "{smuggling}: {refused:?}");
    }
}

#[tokio::test]
async fn whatever_an_establishments_store_says_nobody_there_is_an_operator() {
    let test = TestGateway::start().await;
    let (made, ctx) = test.establishment("Lycée Ampère").await;
    let mut tx = ctx.store.begin().await.unwrap();
    let mut own = application::find_by_name(&mut tx, APPLICATION).await.unwrap().unwrap();
    own.roles.insert(0, Role { name: "operator".to_owned(), ..Role::default() });
    application::update(&mut tx, &own).await.unwrap();
    let table = TABLES.iter().find(|known| known.name == "assignments").unwrap();
    let mut rows = archive::list_rows(&mut tx, table, None, 1).await.unwrap();
    rows[0][0] = Cell::Uuid(uuid::Uuid::now_v7());
    rows[0][table.column("role").unwrap()] = Cell::Text("operator".to_owned());
    archive::insert_rows(&mut tx, table, &rows).await.unwrap();
    let person = User { status: UserStatus::Active, ..made.administrator };
    assert_eq!(roles::gateway_roles_in(&mut tx, &ctx, &person).await.unwrap(), [GatewayRole::Administrator.into()]);
    let secret = Secret::random(&format!("psl_{}_", ctx.slug()));
    let token = ApiToken {
        id: TokenId::new(),
        name: "One".to_owned(),
        kind: TokenKind::Api,
        scope: "operator".to_owned(),
        created_at: ctx.now,
        last_used_at: None,
        expires_at: None,
        created_by: None,
        within: None,
        source_id: None,
    };
    api_token::insert(&mut tx, secret.hash(), &token).await.unwrap();
    tx.commit().await.unwrap();
    assert!(tokens::authenticate(&test.gateway, secret.expose(), ctx.now).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_header_states_is_looked_at_like_the_fields_of_any_establishment() {
    let school = School::start().await;
    let (platform, (lock, key)) = (school.test.platform().await, key_pair());
    let restated = async |file: &str, name: &str, number: i64| {
        let row = Establishment { name: name.to_owned(), number, ..(*school.ctx.establishment).clone() };
        let mut registry = platform.registry().begin().await.unwrap();
        establishment::update(&mut registry, &row, "").await.unwrap();
        registry.commit().await.unwrap();
        save(&Context { establishment: row.into(), ..school.ctx.clone() }, &lock, &school.file(file)).await.path
    };
    let greatest = restated("greatest.age", "Lycée", i64::MAX).await;
    let belled = restated("belled.age", "Lycée\u{7}", 7).await;
    let refused = archives::import(&platform, &belled, &key, Some("copie"), &unwatched()).await;
    assert!(matches!(&refused, Err(Error::Archive { reason: "archive-unfit", detail }) if detail.contains("name")), "{refused:?}");
    let made = archives::import(&platform, &greatest, &key, Some("copie"), &unwatched()).await.unwrap();
    assert_eq!(made.establishment.number, 8, "the next one: {:?}", made.notices);
    school.test.establishment("Une autre").await;
    let new = NewEstablishment { name: "Trop".to_owned(), number: Some(i64::MAX), ..NewEstablishment::default() };
    let refused = establishments::create(&platform, &new).await;
    assert!(matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "number"), "{refused:?}");
}
