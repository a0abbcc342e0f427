//! Reviews and the roles they look at.

use passerelle::store::Error;
use passerelle::store::establishment::assignment::Origin;
use passerelle::store::establishment::campaign::{self, Campaign, CampaignState, Extent};
use passerelle::store::establishment::review_item::{self, Decision, Filter, Outcome, Progress, ReviewItem};
use passerelle::store::establishment::user::{self, User};
use passerelle::types::id::{CampaignId, ReviewItemId, UserId};
use passerelle::types::page::PageRequest;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{LATER, NOW, person};

pub fn campaign(name: &str) -> Campaign {
    Campaign {
        id: CampaignId::new(),
        name: name.to_owned(),
        title: "Revue d’automne «2026»".to_owned(),
        extent: Extent {
            application: Some("notes".to_owned()),
            role: Some("chef".to_owned()),
            unit: Some("département/RT".to_owned()),
            unused_since: Some(NOW),
            by_unit: true,
            reviewers: vec![UserId::new()],
        },
        state: CampaignState::Open,
        due_at: LATER,
        reminded_at: None,
        created_by: "user:élodie".to_owned(),
        created_at: NOW,
        closed_at: None,
    }
}

pub fn item(campaign: &Campaign, user: &User, reviewer: Option<&User>, role: &str) -> ReviewItem {
    ReviewItem {
        id: ReviewItemId::new(),
        campaign_id: campaign.id,
        reviewer_id: reviewer.map(|one| one.id),
        user_id: user.id,
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        application: "notes".to_owned(),
        role: role.to_owned(),
        scope: "RT".to_owned(),
        origin: Origin::Rule,
        last_used_at: Some(NOW),
        last_sign_in_at: None,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        outcome: None,
    }
}

pub fn withdrawn(item: &ReviewItem) -> ReviewItem {
    ReviewItem {
        decision: Some(Decision::Withdraw),
        reason: Some("n’y enseigne plus".to_owned()),
        decided_by: Some("user:deux".to_owned()),
        decided_at: Some(LATER),
        outcome: Some(Outcome::Excluded),
        ..item.clone()
    }
}

async fn people(bed: &Bed) -> [User; 3] {
    let people = ["une", "deux", "trois"].map(person);
    bed.write(async |tx| user::insert_all(tx, &people).await).await;
    people
}

#[tokio::test]
async fn a_review_is_kept_as_written_and_changes_until_it_ends() {
    on_every_engine(async |bed| {
        let (first, second) = (campaign("automne"), Campaign { extent: Extent::default(), ..campaign("printemps") });
        bed.write(async |tx| {
            campaign::insert(tx, &first).await?;
            campaign::insert(tx, &second).await
        })
        .await;
        bed.refuses_as_taken("campaigns.name", async |tx| campaign::insert(tx, &campaign("automne")).await).await;
        let mut tx = bed.read().await;
        assert_eq!(campaign::find(&mut tx, first.id).await.unwrap().as_ref(), Some(&first));
        assert_eq!(campaign::find_by_name(&mut tx, "printemps").await.unwrap().as_ref(), Some(&second));
        assert_eq!(campaign::find_by_name(&mut tx, "hiver").await.unwrap(), None);
        drop(tx);
        let all = walk(1, None, async |page| campaign::list(&mut bed.read().await, page, &campaign::Filter::default()).await).await;
        assert_eq!(all, [first.clone(), second.clone()]);
        let words =
            walk(9, Some("AUTOMNE print"), async |page| campaign::list(&mut bed.read().await, page, &campaign::Filter::default()).await)
                .await;
        assert!(words.is_empty(), "both words in one text");
        let ended = Campaign {
            title: "Autre".to_owned(),
            due_at: NOW,
            reminded_at: Some(NOW),
            state: CampaignState::Closed,
            closed_at: Some(LATER),
            ..first.clone()
        };
        bed.write(async |tx| campaign::update(tx, &ended).await).await;
        assert_eq!(campaign::find(&mut bed.read().await, first.id).await.unwrap(), Some(ended.clone()));
        bed.refuses_as_not_found("review that goes on", async |tx| campaign::update(tx, &first).await).await;
        let filter = campaign::Filter { name: Some("automne".to_owned()), state: Some("closed".to_owned()) };
        assert_eq!(campaign::list(&mut bed.read().await, &PageRequest::first(9), &filter).await.unwrap().items, [ended]);
    })
    .await;
}

#[tokio::test]
async fn items_are_listed_counted_and_decided() {
    on_every_engine(async |bed| {
        let [one, two, three] = people(bed).await;
        let (ours, other) = (campaign("automne"), campaign("printemps"));
        let items = [
            item(&ours, &one, Some(&two), "chef"),
            item(&ours, &one, Some(&two), "membre"),
            item(&ours, &three, None, "chef"),
            item(&ours, &two, Some(&three), "chef"),
        ];
        bed.write(async |tx| {
            campaign::insert(tx, &ours).await?;
            campaign::insert(tx, &other).await?;
            review_item::insert_all(tx, &items).await?;
            review_item::insert_all(tx, &[item(&other, &one, Some(&two), "chef")]).await
        })
        .await;
        let all = walk(3, None, async |page| review_item::list(&mut bed.read().await, ours.id, page, &Filter::default()).await).await;
        assert_eq!(all, items);
        let mut tx = bed.read().await;
        assert_eq!(review_item::list_waiting(&mut tx, ours.id).await.unwrap().into_iter().map(|(_, count)| count).sum::<i64>(), 3);
        assert_eq!(campaign::list_open_of(&mut tx, two.id).await.unwrap(), [ours.clone(), other.clone()]);
        assert!(campaign::list_open_of(&mut tx, one.id).await.unwrap().is_empty());
        drop(tx);
        let decided = withdrawn(&items[0]);
        let kept = ReviewItem { decision: Some(Decision::Keep), outcome: Some(Outcome::Kept), ..items[1].clone() };
        bed.write(async |tx| {
            review_item::decide(tx, &decided).await?;
            review_item::decide(tx, &kept).await
        })
        .await;
        let stranger = ReviewItem { id: ReviewItemId::new(), ..kept.clone() };
        bed.refuses_as_not_found("role under review", async |tx| review_item::decide(tx, &stranger).await).await;
        let mut tx = bed.read().await;
        assert_eq!(review_item::find(&mut tx, decided.id).await.unwrap(), Some(decided.clone()));
        let whole = Progress { items: 4, kept: 1, withdrawn: 1, open: 2, without_reviewer: 1 };
        assert_eq!(review_item::progress(&mut tx, ours.id, None).await.unwrap(), whole);
        let own = Progress { items: 2, kept: 1, withdrawn: 1, open: 0, without_reviewer: 0 };
        assert_eq!(review_item::progress(&mut tx, ours.id, Some(two.id)).await.unwrap(), own);
        let only = Filter {
            reviewer: Some(two.id),
            user: Some(one.id),
            application: Some("notes".to_owned()),
            role: Some("chef".to_owned()),
            scope: Some("RT".to_owned()),
            decision: Some("withdraw".to_owned()),
            decided: Some(true),
        };
        let found = review_item::list(&mut tx, ours.id, &PageRequest::first(9), &only).await.unwrap();
        assert_eq!((found.total, found.items), (1, vec![decided]));
        let open = Filter { decided: Some(false), ..Filter::default() };
        let words = PageRequest { query: Some("trois".to_owned()), ..PageRequest::first(9) };
        assert_eq!(review_item::list(&mut tx, ours.id, &words, &open).await.unwrap().items, [items[2].clone()]);
        drop(tx);
        let twice =
            bed.refusal(async |tx| review_item::insert_all(tx, &[ReviewItem { id: ReviewItemId::new(), ..items[0].clone() }]).await).await;
        assert!(matches!(twice, Error::Taken(_)), "{twice:?}");
    })
    .await;
}

/// What was decided stays whose it was.
#[tokio::test]
async fn items_that_are_not_decided_are_released() {
    on_every_engine(async |bed| {
        let [one, two, three] = people(bed).await;
        let ours = campaign("automne");
        let items =
            [item(&ours, &one, Some(&two), "chef"), item(&ours, &three, Some(&two), "chef"), item(&ours, &three, Some(&two), "membre")];
        bed.write(async |tx| {
            campaign::insert(tx, &ours).await?;
            review_item::insert_all(tx, &items).await?;
            review_item::decide(tx, &withdrawn(&items[0])).await?;
            review_item::release(tx, &[items[0].id, items[1].id]).await
        })
        .await;
        let mut tx = bed.read().await;
        for (item, reviewer) in items.iter().zip([Some(two.id), None, Some(two.id)]) {
            assert_eq!(review_item::find(&mut tx, item.id).await.unwrap().unwrap().reviewer_id, reviewer);
        }
    })
    .await;
}
