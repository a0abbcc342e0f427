//! What is written about someone in passing: found as it stands, and forgotten piece by piece.

use passerelle::store::establishment::audit_event::{self, AuditEvent};
use passerelle::store::establishment::campaign::{self, Campaign, CampaignState, Extent};
use passerelle::store::establishment::proposal::{Filter, ProposalState};
use passerelle::store::establishment::scim_held::{Held, HeldReason};
use passerelle::store::establishment::scim_request::Texts;
use passerelle::store::establishment::{proposal, scim_held, scim_request, source, user};
use passerelle::types::page::PageRequest;
use uuid::Uuid;

use super::archive::event;
use super::engine::on_every_engine;
use super::feed_requests::request;
use super::held::held;
use super::matching::proposed;
use super::reviews::campaign as review;
use super::samples::{self, LATER, NOW, person};

#[tokio::test]
async fn requests_are_read_as_texts_whatever_the_feed_and_forgotten_one_by_one() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("un"), samples::source("deux"));
        let rows = [request(one.id, 1, "POST", 201), request(other.id, 2, "PATCH", 400), request(one.id, 3, "GET", 200)];
        bed.write(async |tx| {
            source::insert(tx, &one).await?;
            source::insert(tx, &other).await?;
            scim_request::insert_all(tx, &rows).await
        })
        .await;
        let mut tx = bed.read().await;
        let first = scim_request::list_texts_after(&mut tx, None, 2).await.unwrap();
        let ids = |texts: &[Texts]| texts.iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(&first), [rows[0].seen.id, rows[1].seen.id]);
        assert_eq!((first[1].path.as_str(), first[1].failing.as_deref()), ("/Groups/École_2", Some("noTarget: 100 % wrong")));
        assert!(first[0].request.as_ref().unwrap().contains("Élodie") && first[0].changes.as_ref().unwrap().contains("Élodie"));
        let next = scim_request::list_texts_after(&mut tx, Some(first[1].id), 2).await.unwrap();
        assert_eq!(ids(&next), [rows[2].seen.id]);
        assert_eq!(scim_request::list_texts_after(&mut tx, Some(next[0].id), 2).await.unwrap(), []);
        drop(tx);
        bed.write(async |tx| scim_request::delete(tx, rows[1].seen.id).await).await;
        let left = scim_request::list_texts_after(&mut bed.read().await, None, 9).await.unwrap();
        assert_eq!(ids(&left), [rows[0].seen.id, rows[2].seen.id]);
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_forgotten_by_whom_it_is_about() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("un"), samples::source("deux"));
        let who = Uuid::now_v7();
        let rows = [
            Held { subject_id: Some(who), ..held(&one, HeldReason::Guard, "a") },
            Held { subject_id: None, ..held(&other, HeldReason::Taken, "b") },
            Held { subject_id: Some(Uuid::now_v7()), ..held(&other, HeldReason::Guard, "c") },
        ];
        bed.write(async |tx| {
            source::insert(tx, &one).await?;
            source::insert(tx, &other).await?;
            for row in &rows {
                scim_held::hold(tx, row).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        let mut sorted = rows.clone();
        sorted.sort_by_key(|row| row.id);
        assert_eq!(scim_held::list_after(&mut tx, None, 2).await.unwrap(), sorted[..2]);
        assert_eq!(scim_held::list_after(&mut tx, Some(sorted[1].id), 2).await.unwrap(), sorted[2..]);
        drop(tx);
        bed.write(async |tx| scim_held::delete_of_subject(tx, who).await).await;
        assert_eq!(scim_held::list_after(&mut bed.read().await, None, 9).await.unwrap(), rows[1..]);
        bed.write(async |tx| scim_held::delete(tx, rows[1].id).await).await;
        assert_eq!(scim_held::list_after(&mut bed.read().await, None, 9).await.unwrap(), rows[2..]);
    })
    .await;
}

#[tokio::test]
async fn proposals_are_forgotten_by_person_and_by_entry_whatever_was_decided() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        let (one, two) = (person("une"), person("deux"));
        let rows = [proposed(&feed, "x", &one), proposed(&feed, "y", &one), proposed(&feed, "y", &two), proposed(&feed, "z", &two)];
        bed.write(async |tx| {
            source::insert(tx, &feed).await?;
            user::insert_all(tx, &[one.clone(), two.clone()]).await?;
            for row in &rows {
                proposal::propose(tx, row).await?;
            }
            let rejected = proposal::Proposal { state: ProposalState::Rejected, decided_at: Some(NOW), ..rows[2].clone() };
            proposal::decide(tx, &rejected).await?;
            assert_eq!(proposal::entries_of_user(tx, two.id).await?, ["y", "z"]);
            proposal::delete_of_entry(tx, feed.id, "y").await
        })
        .await;
        let entries = async || -> Vec<String> {
            let listed = proposal::list(&mut bed.read().await, &PageRequest::first(9), &Filter::default()).await.unwrap();
            listed.items.into_iter().map(|one| one.external_id).collect()
        };
        assert_eq!(entries().await, ["x", "z"]);
        bed.write(async |tx| proposal::delete_of_user(tx, one.id).await).await;
        assert_eq!(entries().await, ["z"]);
    })
    .await;
}

#[tokio::test]
async fn it_is_known_when_something_was_last_done() {
    on_every_engine(async |bed| {
        let at = |at, action: &str, subject_id: &str| AuditEvent { at, subject_id: subject_id.to_owned(), ..event(action) };
        bed.write(async |tx| {
            for one in [at(LATER, "told", "é"), at(NOW, "told", "é"), at(LATER, "done", "a"), at(NOW, "told", "a")] {
                audit_event::insert(tx, &one).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(audit_event::last_at(&mut tx, "told", ("user", "é")).await.unwrap(), Some(LATER));
        assert_eq!(audit_event::last_at(&mut tx, "told", ("user", "a")).await.unwrap(), Some(NOW));
        assert_eq!(audit_event::last_at(&mut tx, "told", ("group", "a")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn reviews_that_go_on_follow_an_application_and_a_unit_to_another_name() {
    on_every_engine(async |bed| {
        let extent = |application: Option<&str>, unit: Option<&str>| Extent {
            application: application.map(str::to_owned),
            unit: unit.map(str::to_owned),
            ..review("automne").extent
        };
        let of = |name: &str, extent: Extent| Campaign { extent, ..review(name) };
        let ended = Campaign { state: CampaignState::Closed, closed_at: Some(NOW), ..of("fini", extent(Some("notes"), Some("RT"))) };
        let rows = [
            of("a", extent(Some("notes"), Some("RT"))),
            of("b", extent(None, Some("notes"))),
            of("c", extent(Some("notes2"), None)),
            ended,
        ];
        bed.write(async |tx| {
            for row in &rows {
                campaign::insert(tx, row).await?;
            }
            campaign::rename_application(tx, "notes", "marks").await?;
            campaign::rename_unit(tx, "RT", "R&T").await
        })
        .await;
        let mut tx = bed.read().await;
        let expected = [
            extent(Some("marks"), Some("R&T")),
            extent(None, Some("notes")),
            extent(Some("notes2"), None),
            extent(Some("notes"), Some("RT")),
        ];
        for (row, extent) in rows.iter().zip(expected) {
            let found = campaign::find(&mut tx, row.id).await.unwrap().unwrap();
            let named = |extent: &Extent| (extent.application.clone(), extent.unit.clone());
            assert_eq!(named(&found.extent), named(&extent), "{}", row.name);
            assert_eq!(found.extent.reviewers, row.extent.reviewers, "nothing else of it changes");
        }
    })
    .await;
}
