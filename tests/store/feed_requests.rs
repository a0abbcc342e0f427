//! The last requests of SCIM feeds: newest first, narrowed, forgotten in time.

use passerelle::store::establishment::scim_request::{self, Changed, Filter, Seen, Whole};
use passerelle::store::establishment::source;
use passerelle::types::id::SourceId;
use passerelle::types::page::PageRequest;
use serde_json::json;
use uuid::Uuid;

use super::engine::on_every_engine;
use super::samples::{self, LATER, NOW};

pub fn request(source_id: SourceId, number: u16, method: &str, status: i64) -> Whole {
    let refused = status >= 400;
    let changed = Changed {
        action: "user.created".to_owned(),
        subject_kind: "user".to_owned(),
        subject_id: "é".to_owned(),
        detail: json!({ "name": "Élodie" }),
    };
    Whole {
        seen: Seen {
            id: Uuid::now_v7(),
            source_id,
            at: NOW.plus_s(number.into()),
            dialect: if refused { "entra" } else { "other" }.to_owned(),
            method: method.to_owned(),
            path: format!("/Groups/École_{number}"),
            status,
            duration_us: i64::from(u32::MAX) + 1,
            subject_id: (number == 1).then(Uuid::nil),
            failing: refused.then(|| "noTarget: 100 % wrong".to_owned()),
        },
        request: Some(json!({ "userName": "Élodie" })),
        answer: refused.then(|| json!({ "status": "400" })),
        changes: if refused { Vec::new() } else { vec![changed] },
    }
}

#[tokio::test]
async fn requests_are_read_as_they_were_written_newest_first() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("un"), samples::source("deux"));
        let kept = [request(one.id, 1, "POST", 201), request(one.id, 2, "PATCH", 400), request(one.id, 3, "GET", 200)];
        let apart = request(other.id, 4, "GET", 200);
        bed.write(async |tx| {
            source::insert(tx, &one).await?;
            source::insert(tx, &other).await?;
            scim_request::insert_all(tx, &kept).await?;
            scim_request::insert_all(tx, std::slice::from_ref(&apart)).await
        })
        .await;
        let mut tx = bed.read().await;
        for whole in &kept {
            assert_eq!(scim_request::find(&mut tx, one.id, whole.seen.id).await.unwrap().as_ref(), Some(whole));
        }
        assert_eq!(scim_request::find(&mut tx, one.id, apart.seen.id).await.unwrap(), None, "another feed's");
        let first = scim_request::list(&mut tx, one.id, &PageRequest::first(2), &Filter::default()).await.unwrap();
        assert_eq!((first.items, first.total), (vec![kept[2].seen.clone(), kept[1].seen.clone()], 3));
        let next = PageRequest::parse(Some(2), first.next_cursor.as_deref(), None).unwrap();
        assert_eq!(scim_request::list(&mut tx, one.id, &next, &Filter::default()).await.unwrap().items, [kept[0].seen.clone()]);
        for (filter, expected) in [
            (Filter { method: Some("PATCH".to_owned()), ..Filter::default() }, vec![1]),
            (Filter { dialect: Some("other".to_owned()), ..Filter::default() }, vec![2, 0]),
            (Filter { status: Some(201), ..Filter::default() }, vec![0]),
            (Filter { refused: Some(true), ..Filter::default() }, vec![1]),
            (Filter { refused: Some(false), ..Filter::default() }, vec![2, 0]),
            (Filter { subject_id: Some(Uuid::nil()), ..Filter::default() }, vec![0]),
        ] {
            let found = scim_request::list(&mut tx, one.id, &PageRequest::first(10), &filter).await.unwrap();
            let expected: Vec<Seen> = expected.into_iter().map(|at: usize| kept[at].seen.clone()).collect();
            assert_eq!((found.total, found.items), (i64::try_from(expected.len()).unwrap(), expected), "{filter:?}");
        }
        let words = PageRequest::parse(None, None, Some("100 %")).unwrap();
        assert_eq!(scim_request::list(&mut tx, one.id, &words, &Filter::default()).await.unwrap().items, [kept[1].seen.clone()]);
    })
    .await;
}

#[tokio::test]
async fn requests_are_forgotten_by_number_by_age_and_by_whom_they_are_about() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("un"), samples::source("deux"));
        let kept: Vec<Whole> = (1..=5).map(|number| request(one.id, number, "GET", 200)).collect();
        let apart = request(other.id, 9, "GET", 200);
        bed.write(async |tx| {
            source::insert(tx, &one).await?;
            source::insert(tx, &other).await?;
            scim_request::insert_all(tx, &kept).await?;
            scim_request::insert_all(tx, std::slice::from_ref(&apart)).await?;
            scim_request::delete_of_subject(tx, Uuid::nil()).await
        })
        .await;
        let left = async |source| {
            let mut tx = bed.read().await;
            let page = scim_request::list(&mut tx, source, &PageRequest::first(10), &Filter::default()).await.unwrap();
            page.items.into_iter().map(|seen| seen.id).collect::<Vec<_>>()
        };
        let ids: Vec<Uuid> = kept.iter().map(|whole| whole.seen.id).collect();
        assert_eq!(left(one.id).await, [ids[4], ids[3], ids[2], ids[1]], "whom it was about is gone");
        bed.write(async |tx| scim_request::keep_newest(tx, one.id, 3).await).await;
        assert_eq!(left(one.id).await, [ids[4], ids[3], ids[2]]);
        bed.write(async |tx| scim_request::delete_before(tx, NOW.plus_s(4)).await).await;
        assert_eq!(left(one.id).await, [ids[4], ids[3]]);
        assert_eq!(left(other.id).await, [apart.seen.id]);
        bed.write(async |tx| scim_request::delete_before(tx, LATER.plus_s(1_000)).await).await;
        assert!(left(other.id).await.is_empty());
    })
    .await;
}
