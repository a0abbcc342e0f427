//! Applications that are written to: how much was taken away there, and what is wiped of someone erased.

use std::collections::BTreeMap;

use passerelle::store::establishment::provisioned::{self, Kind, Provisioned, State};
use passerelle::store::establishment::provisioning::Groups;
use passerelle::store::establishment::provisioning_drift::{self, Differing, Drift, What};
use passerelle::store::establishment::{provisioning_erasure, provisioning_guard};
use passerelle::types::page::PageRequest;
use serde_json::json;
use uuid::Uuid;

use super::engine::on_every_engine;
use super::provisioning::place;
use super::samples::{LATER, NOW};

#[tokio::test]
async fn what_was_taken_away_is_counted_by_hours_and_forgotten_after_two_days() {
    on_every_engine(async |bed| {
        let (_, _, made) = place(bed, Groups::None).await;
        let later = NOW.plus_s(3 * 3600);
        bed.write(async |tx| {
            provisioning_guard::take(tx, made.id, NOW, 2).await?;
            provisioning_guard::take(tx, made.id, NOW, 3).await?;
            provisioning_guard::take(tx, made.id, later, 4).await
        })
        .await;
        let since = async |at| provisioning_guard::taken_since(&mut bed.read().await, made.id, at).await.unwrap();
        assert_eq!((since(NOW).await, since(later).await, since(later.plus_s(3600)).await), (9, 4, 0));
        bed.write(async |tx| provisioning_guard::take(tx, made.id, NOW.plus_s(50 * 3600), 1).await).await;
        assert_eq!(since(NOW).await, 5);
    })
    .await;
}

#[tokio::test]
async fn the_name_of_someone_erased_is_wiped_wherever_an_application_is_told_of() {
    on_every_engine(async |bed| {
        let (people, _, made) = place(bed, Groups::Roles).await;
        let of = made.id;
        let keys: Vec<(String, String)> =
            [("anne", 0), ("bob", 1)].map(|(name, at): (&str, usize)| (people[at].id.to_string(), name.to_owned())).into();
        bed.write(async |tx| provisioned::mark(tx, of, Kind::User, &keys, NOW).await).await;
        let rows = provisioned::list_marked(&mut bed.read().await, of, 10).await.unwrap();
        let anne = rows.iter().find(|row| row.name == "anne").unwrap().clone();
        let known = Provisioned { remote_id: Some("1".to_owned()), error: Some("anne is taken".to_owned()), adopted: true, ..anne };
        let drift = |kind, name: &str, remote_id: Option<&str>, wanted: serde_json::Value| Drift {
            id: Uuid::now_v7(),
            kind,
            what: What::Differs,
            name: name.to_owned(),
            remote_id: remote_id.map(str::to_owned),
            fields: BTreeMap::from([("members".to_owned(), Differing { there: json!([]), wanted })]),
        };
        let drifts = [
            drift(Kind::User, "anne", None, json!(1)),
            drift(Kind::User, "ANNE2", Some("1"), json!(1)),
            drift(Kind::Group, "chefs", None, json!(["bob", "anne"])),
            drift(Kind::Group, "anne", None, json!(["bob", "annette"])),
        ];
        bed.write(async |tx| {
            provisioned::settle(tx, &known).await?;
            provisioning_drift::insert_all(tx, of, &drifts).await?;
            provisioning_erasure::erase_user(tx, people[0].id).await
        })
        .await;
        let left =
            provisioning_drift::list(&mut bed.read().await, of, &PageRequest::first(9), &provisioning_drift::Filter::default()).await;
        assert_eq!(left.unwrap().items, drifts[3..]);
        let rows = provisioned::list_by_subjects(&mut bed.read().await, of, Kind::User, &[keys[0].0.clone()]).await.unwrap();
        assert_eq!((rows[0].name.as_str(), &rows[0].error, rows[0].remote_id.as_deref()), ("", &None, Some("1")));
        assert!(rows[0].adopted);
        let words = PageRequest { query: Some("anne".to_owned()), ..PageRequest::first(5) };
        assert_eq!(provisioned::list(&mut bed.read().await, of, &words, &provisioned::Filter::default()).await.unwrap().total, 0);
        bed.write(async |tx| {
            provisioned::rewrite(tx, of, Kind::User, &[keys[0].0.clone()], LATER).await?;
            provisioned::forget_subject(tx, of, Kind::User, &keys[1].0).await
        })
        .await;
        let rows = provisioned::list_marked(&mut bed.read().await, of, 10).await.unwrap();
        assert_eq!((rows.len(), rows[0].state, rows[0].due_at), (1, State::Marked, LATER));
    })
    .await;
}
