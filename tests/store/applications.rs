//! Applications with their catalogues, and the rules that give their roles.

use passerelle::store::establishment::application::{Application, Cardinality, ScopeKind};
use passerelle::store::establishment::rule::Rule;
use passerelle::store::establishment::{application, assignment, client, rule, user};
use passerelle::types::id::{ApplicationId, RuleId};
use serde_json::{Value, json};

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER};

async fn with_application(bed: &Bed, name: &str) -> Application {
    let made = samples::application(name);
    bed.write(async |tx| application::insert(tx, &made).await).await;
    made
}

#[tokio::test]
async fn an_application_comes_back_as_written_and_as_changed() {
    on_every_engine(async |bed| {
        let shapes = [
            (Cardinality::Multi, ScopeKind::None, Value::Null),
            (Cardinality::Single, ScopeKind::Establishment, json!({})),
            (Cardinality::SinglePerScope, ScopeKind::Relation, json!([1.5, "é", true])),
        ];
        let mut all = vec![samples::application("notes")];
        for (n, (cardinality, scope_kind, claim_shape)) in shapes.into_iter().enumerate() {
            let made = samples::application(&format!("app{n}"));
            all.push(Application { cardinality, scope_kind, claim_shape, default_role: None, roles: Vec::new(), ..made });
        }
        for made in &all {
            bed.write(async |tx| application::insert(tx, made).await).await;
            let mut tx = bed.read().await;
            assert_eq!(application::find(&mut tx, made.id).await.unwrap().as_ref(), Some(made));
            assert_eq!(application::find_by_name(&mut tx, &made.name).await.unwrap().as_ref(), Some(made));
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let mut tx = bed.read().await;
        assert_eq!(application::list(&mut tx).await.unwrap(), all, "applications go by name");
        let changed = Application { id: all[0].id, created_at: all[0].created_at, updated_at: LATER, ..samples::application("renommée") };
        bed.write(async |tx| application::update(tx, &Application { created_at: LATER, ..changed.clone() }).await).await;
        assert_eq!(application::find(&mut tx, changed.id).await.unwrap(), Some(changed));
        assert_eq!(application::find(&mut tx, ApplicationId::new()).await.unwrap(), None);
        assert_eq!(application::find_by_name(&mut tx, "NOTES").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_application_s_name_is_its_own_and_an_absent_one_is_told() {
    on_every_engine(async |bed| {
        let (one, other) = (with_application(bed, "notes").await, with_application(bed, "autre").await);
        bed.refuses_as_taken("applications.name", async |tx| application::insert(tx, &samples::application("notes")).await).await;
        let renamed = Application { name: one.name, ..other };
        bed.refuses_as_taken("applications.name", async |tx| application::update(tx, &renamed).await).await;
        bed.refuses_as_not_found("application", async |tx| application::update(tx, &samples::application("x")).await).await;
        bed.refuses_as_not_found("application", async |tx| application::delete(tx, ApplicationId::new()).await).await;
    })
    .await;
}

#[tokio::test]
async fn an_application_stays_while_anything_names_it() {
    on_every_engine(async |bed| {
        let [ruled, assigned, served, free] = [
            with_application(bed, "a").await,
            with_application(bed, "b").await,
            with_application(bed, "c").await,
            with_application(bed, "d").await,
        ];
        let someone = samples::person("élodie");
        let party = client::Client { application_id: Some(served.id), ..samples::client("app") };
        bed.write(async |tx| {
            user::insert(tx, &someone).await?;
            rule::insert(tx, &samples::rule(&ruled, "chef", 0)).await?;
            assignment::insert_all(tx, &[samples::assignment(&someone, &assigned, "chef")]).await?;
            client::insert(tx, &party).await
        })
        .await;
        for named in [&ruled, &assigned, &served] {
            bed.refuses_as_referenced(async |tx| application::delete(tx, named.id).await).await;
        }
        bed.write(async |tx| application::delete(tx, free.id).await).await;
        assert_eq!(application::list(&mut bed.read().await).await.unwrap(), [ruled, assigned, served]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_comes_back_as_written_and_as_changed() {
    on_every_engine(async |bed| {
        let (notes, other) = (with_application(bed, "notes").await, with_application(bed, "autre").await);
        let full = samples::rule(&notes, "chef", i64::MIN);
        let endless = Rule { valid_from: None, valid_until: None, ends: None, ..samples::rule(&notes, "étudiant", i64::MAX) };
        let bare = Rule { conditions: Vec::new(), scope: None, enabled: false, ..endless };
        for written in [&full, &bare] {
            bed.write(async |tx| rule::insert(tx, written).await).await;
            assert_eq!(rule::find(&mut bed.read().await, written.id).await.unwrap().as_ref(), Some(written));
        }
        let changed = Rule {
            id: full.id,
            created_at: full.created_at,
            updated_at: LATER,
            enabled: false,
            scope: None,
            ends: None,
            valid_from: None,
            ..samples::rule(&other, "r", 5)
        };
        bed.write(async |tx| rule::update(tx, &Rule { created_at: LATER, ..changed.clone() }).await).await;
        let mut tx = bed.read().await;
        assert_eq!(rule::find(&mut tx, full.id).await.unwrap(), Some(changed));
        assert_eq!(rule::find(&mut tx, RuleId::new()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn rules_go_by_application_then_priority_then_age() {
    on_every_engine(async |bed| {
        let (z, a) = (with_application(bed, "z").await, with_application(bed, "a").await);
        // The weaker of the first two is the older.
        let weaker = samples::rule(&a, "r", 10);
        let rules = [samples::rule(&a, "r", -1), weaker, samples::rule(&z, "r", 2), samples::rule(&z, "r", 2)];
        for at in [2, 1, 3, 0] {
            bed.write(async |tx| rule::insert(tx, &rules[at]).await).await;
        }
        assert_eq!(rule::list(&mut bed.read().await).await.unwrap(), rules);
        let stamp = rule::stamp(&mut bed.read().await).await.unwrap();
        assert_eq!(rule::stamp(&mut bed.read().await).await.unwrap(), stamp);
        bed.write(async |tx| rule::delete(tx, rules[1].id).await).await;
        assert_ne!(rule::stamp(&mut bed.read().await).await.unwrap(), stamp, "a rule less");
        let left: Vec<RuleId> = rule::list(&mut bed.read().await).await.unwrap().iter().map(|r| r.id).collect();
        assert_eq!(left, [rules[0].id, rules[2].id, rules[3].id]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_stays_while_it_gives_a_role_and_an_absent_one_is_told() {
    on_every_engine(async |bed| {
        let notes = with_application(bed, "notes").await;
        let (given, someone) = (samples::rule(&notes, "chef", 0), samples::person("élodie"));
        let by_rule = assignment::Assignment { rule_id: Some(given.id), ..samples::assignment(&someone, &notes, "chef") };
        bed.write(async |tx| {
            user::insert(tx, &someone).await?;
            rule::insert(tx, &given).await?;
            assignment::insert_all(tx, std::slice::from_ref(&by_rule)).await
        })
        .await;
        bed.refuses_as_referenced(async |tx| rule::delete(tx, given.id).await).await;
        bed.refuses_as_not_found("rule", async |tx| rule::delete(tx, RuleId::new()).await).await;
        bed.refuses_as_not_found("rule", async |tx| rule::update(tx, &samples::rule(&notes, "r", 0)).await).await;
        bed.refuses_as_taken("rules.id", async |tx| rule::insert(tx, &given).await).await;
        let lost = samples::rule(&samples::application("nulle-part"), "r", 0);
        bed.refuses_as_referenced(async |tx| rule::insert(tx, &lost).await).await;
    })
    .await;
}
