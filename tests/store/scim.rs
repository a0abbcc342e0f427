//! What SCIM feeds keep: resources with their values, members one by one, and counts.

use std::collections::BTreeSet;

use passerelle::store::establishment::api_token::{ApiToken, TokenKind};
use passerelle::store::establishment::audit_event::{self, AuditEvent};
use passerelle::store::establishment::group::Group;
use passerelle::store::establishment::proposal::{Proposal, ProposalState};
use passerelle::store::establishment::scim_held::HeldReason;
use passerelle::store::establishment::scim_resource::{Called, IndexedValue, Kind, Resource};
use passerelle::store::establishment::scim_search::{Order, Slice, SortKey, Test, TextColumn, Where};
use passerelle::store::establishment::source::{Source, SourceKind};
use passerelle::store::establishment::source_state::Taken;
use passerelle::store::establishment::sync_run::State;
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{
    api_token, group, link, member, proposal, scim_feed, scim_held, scim_resource, scim_search, source, sync_run, user,
};
use passerelle::types::id::{ProposalId, TokenId};
use passerelle::types::page::PageRequest;
use serde_json::json;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine};
use super::held::held;
use super::samples::{self, LATER, NOW, person, token};

pub fn feed(name: &str) -> Source {
    Source { kind: SourceKind::Scim, settings: json!({}), ..samples::source(name) }
}

fn resource(feed: &Source, id: Uuid, kind: Kind, name: &str) -> Resource {
    Resource {
        source_id: feed.id,
        id,
        kind,
        external_id: Some(format!("x-{name}")),
        name: name.to_owned(),
        active: true,
        body: json!({ "userName": name, "title": "É" }).as_object().unwrap().clone(),
        rev: 1,
        created_at: NOW,
        updated_at: NOW,
        deleted_at: None,
    }
}

/// A feed with a resource that has values, and a request that waits.
pub async fn insert_pushed(tx: &mut passerelle::store::Tx, who: &User) -> Result<(), passerelle::store::Error> {
    let feed = feed("flux");
    source::insert(tx, &feed).await?;
    link::insert_all(tx, &[samples::link(&feed, who, &who.id.to_string())]).await?;
    let made = resource(&feed, who.id.uuid(), Kind::User, "Élodie");
    let number = IndexedValue { text: None, head: None, number: Some(1), leading: false, ..value("emails.primary", "") };
    scim_resource::insert(tx, &made, &[value("title", "é"), number]).await?;
    scim_feed::count(tx, feed.id, 1, 0).await?;
    scim_held::hold(tx, &held(&feed, HeldReason::Asked, "zoé")).await
}

fn value(attribute: &str, text: &str) -> IndexedValue {
    let text = Some(text.to_owned());
    IndexedValue { attribute: attribute.to_owned(), element: 0, leading: true, head: text.clone(), text, number: None }
}

pub async fn with(bed: &Bed, feed: &Source, people: &[User], groups: &[Group]) {
    bed.write(async |tx| {
        source::insert(tx, feed).await?;
        user::insert_all(tx, people).await?;
        for one in people {
            link::insert_all(tx, &[samples::link(feed, one, &one.id.to_string())]).await?;
            let made = resource(feed, one.id.uuid(), Kind::User, &one.username);
            scim_resource::insert_all(tx, &[(&made, [value("title", &one.username)].as_slice())]).await?;
        }
        for one in groups {
            let own = Group { source_id: Some(feed.id), external_id: Some(one.id.to_string()), member_count: 0, ..one.clone() };
            group::upsert_all(tx, &[own]).await?;
            scim_resource::insert(tx, &resource(feed, one.id.uuid(), Kind::Group, &one.name), &[]).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_resource_is_found_by_what_it_is_called_until_it_is_gone() {
    on_every_engine(async |bed| {
        let (feed, people) = (feed("entra"), [person("Élodie"), person("bob")]);
        with(bed, &feed, &people, &[]).await;
        let id = people[0].id.uuid();
        let mut tx = bed.read().await;
        let found = scim_resource::find(&mut tx, feed.id, Kind::User, id).await.unwrap().unwrap();
        assert_eq!(found, resource(&feed, id, Kind::User, "Élodie"));
        assert_eq!(scim_resource::find(&mut tx, feed.id, Kind::Group, id).await.unwrap(), None);
        let called = scim_resource::called(&mut tx, feed.id, Kind::User, "éLODIE", Some("x-Élodie")).await.unwrap();
        assert_eq!(called, Called { named: Some(id), external: Some(id), left: None });
        let unnamed = scim_resource::called(&mut tx, feed.id, Kind::User, "nobody", None).await.unwrap();
        assert_eq!(unnamed, Called::default());
        let kinds = scim_resource::kinds_of(&mut tx, feed.id, &[id, Uuid::now_v7()]).await.unwrap();
        assert_eq!(kinds, [(id, Kind::User)]);
        drop(tx);
        let left = Resource { rev: 2, deleted_at: Some(LATER), updated_at: LATER, active: false, ..found };
        bed.write(async |tx| {
            assert!(!scim_resource::update(tx, &left, 7, &[]).await?, "another revision by now");
            assert!(scim_resource::update(tx, &left, 1, &[]).await?);
            scim_resource::touch(tx, feed.id, people[1].id.uuid(), 5, LATER).await
        })
        .await;
        let mut tx = bed.read().await;
        let called = scim_resource::called(&mut tx, feed.id, Kind::User, "élodie", Some("x-Élodie")).await.unwrap();
        assert_eq!(called, Called { named: None, external: None, left: Some(id) });
        let touched = scim_resource::find(&mut tx, feed.id, Kind::User, people[1].id.uuid()).await.unwrap().unwrap();
        assert_eq!((touched.rev, touched.updated_at), (5, LATER));
        drop(tx);
        let same = Resource { id: people[0].id.uuid(), ..resource(&feed, id, Kind::User, "BOB") };
        let back = Resource { deleted_at: None, ..same };
        let twice = bed.refusal(async |tx| scim_resource::update(tx, &back, 2, &[]).await).await;
        assert!(matches!(twice, passerelle::store::Error::Taken(_)), "{twice:?}");
        bed.write(async |tx| {
            scim_resource::delete(tx, feed.id, people[1].id.uuid()).await?;
            link::delete_of_user(tx, people[0].id).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(scim_resource::find(&mut tx, feed.id, Kind::User, id).await.unwrap(), None, "it goes with the person's link");
    })
    .await;
}

#[tokio::test]
async fn conditions_name_resources_and_orders_arrange_them() {
    on_every_engine(async |bed| {
        let (feed, people) = (feed("entra"), [person("a"), person("b"), person("c")]);
        with(bed, &feed, &people, &[samples::group("GEA")]).await;
        let mut tx = bed.read().await;
        let of = |text: &str| Where::Value("title".to_owned(), Test::Is(text.to_owned()));
        let indexed = Where::Indexed { attribute: "title".to_owned(), head: "b".to_owned() };
        let cases = [
            (Where::Constant(true), 3),
            (Where::Constant(false), 0),
            (of("a"), 1),
            (Where::Not(Box::new(of("a"))), 2),
            (Where::Any(vec![of("a"), indexed]), 2),
            (Where::All(vec![of("a"), Where::Active(true)]), 1),
            (Where::Key(people[2].id.uuid()), 1),
            (Where::Text(TextColumn::Name, Test::Is("b".to_owned())), 1),
            (Where::All(vec![Where::Active(true), Where::Text(TextColumn::ExternalId, Test::Is("x-c".to_owned()))]), 1),
            (Where::Text(TextColumn::Name, Test::Above("a".to_owned())), 2),
            (Where::Text(TextColumn::ExternalId, Test::Ends("-c".to_owned())), 1),
            (Where::Element("title".to_owned(), Box::new(of("c"))), 1),
            (Where::ValueNumber("title".to_owned(), Order::Is, 1), 0),
        ];
        for (wanted, count) in cases {
            assert_eq!(scim_search::count(&mut tx, feed.id, Kind::User, &wanted).await.unwrap(), count, "{wanted:?}");
            let all = Slice { limit: 10, ..Slice::default() };
            let listed = scim_search::list(&mut tx, feed.id, Kind::User, &wanted, &all).await.unwrap();
            assert_eq!(i64::try_from(listed.len()).unwrap(), count, "{wanted:?}");
            assert!(listed.is_sorted_by_key(|one| one.id), "{wanted:?}");
        }
        let slice = Slice { sort: Some((SortKey::Text("title".to_owned()), true)), offset: 1, limit: 5, ..Slice::default() };
        let listed = scim_search::list(&mut tx, feed.id, Kind::User, &Where::Constant(true), &slice).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let last_two = Slice { offset: 0, limit: 2, from_end: true, ..Slice::default() };
        let listed = scim_search::list(&mut tx, feed.id, Kind::User, &Where::Constant(true), &last_two).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [people[1].id.uuid(), people[2].id.uuid()]);
        let after = Slice { after: Some(people[0].id.uuid()), limit: 1, ..Slice::default() };
        let listed = scim_search::list(&mut tx, feed.id, Kind::User, &Where::Constant(true), &after).await.unwrap();
        assert_eq!(listed[0].id, people[1].id.uuid());
    })
    .await;
}

#[tokio::test]
async fn members_come_and_go_one_by_one() {
    on_every_engine(async |bed| {
        let (feed, people) = (feed("entra"), [person("a"), person("b")]);
        let groups = [samples::group("GEA"), samples::group("TP1")];
        with(bed, &feed, &people, &groups).await;
        let (outer, inner, [a, b]) = (groups[0].id, groups[1].id, people.clone().map(|one| one.id));
        bed.write(async |tx| {
            assert_eq!((member::add(tx, outer, &[a]).await?, member::add(tx, outer, &[a]).await?), (vec![a], vec![]));
            assert!(member::nest(tx, outer, inner).await? && !member::nest(tx, outer, inner).await?);
            assert_eq!(member::add(tx, inner, &[b]).await?, [b]);
            member::count(tx, outer, 2, LATER).await?;
            member::count(tx, inner, 1, LATER).await
        })
        .await;
        let mut tx = bed.read().await;
        let rows = member::list(&mut tx, outer, 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.id, row.is_group)).collect::<Vec<_>>(), [(a.uuid(), false), (inner.uuid(), true)]);
        let of_b = member::groups_of_users(&mut tx, feed.id, &[b]).await.unwrap();
        assert_eq!((of_b.len(), of_b[0].name.as_str()), (1, "TP1"));
        let among: BTreeSet<Uuid> = [a.uuid(), b.uuid(), inner.uuid()].into();
        assert_eq!(member::count_among(&mut tx, outer, &among).await.unwrap(), 1);
        let inside: BTreeSet<_> = member::people_inside(&mut tx, &[outer, inner]).await.unwrap().into_iter().collect();
        assert_eq!(inside, [a, b].into());
        let key = |id: Uuid| Box::new(Where::Key(id));
        let named = || Box::new(Where::Text(TextColumn::Name, Test::Is("tp1".to_owned())));
        let person_or = |group| Where::MemberWith(key(a.uuid()), group);
        for (kind, wanted, count) in [
            (Kind::Group, person_or(Box::new(Where::Constant(false))), 1),
            (Kind::Group, Where::MemberWith(Box::new(Where::Constant(false)), named()), 1),
            (Kind::Group, Where::Not(Box::new(person_or(key(inner.uuid())))), 1),
            (Kind::User, Where::GroupWith(named()), 1),
            (Kind::User, Where::GroupWith(key(outer.uuid())), 1),
            (Kind::User, Where::Text(TextColumn::PersonKey, Test::Is(a.to_string())), 1),
        ] {
            assert_eq!(scim_search::count(&mut tx, feed.id, kind, &wanted).await.unwrap(), count, "{wanted:?}");
        }
        assert!(member::people_inside(&mut tx, &[]).await.unwrap().is_empty());
        assert_eq!(member::count_of_user(&mut tx, feed.id, b).await.unwrap(), 1);
        drop(tx);
        bed.write(async |tx| {
            member::rename(tx, inner, "TP 2", LATER).await?;
            member::leave_parents(tx, inner, LATER).await?;
            member::leave_source(tx, feed.id, b, LATER).await?;
            assert_eq!((member::unnest(tx, outer, &[inner, outer]).await?, member::unnest(tx, outer, &[inner]).await?), (1, 0));
            assert_eq!((member::remove(tx, outer, &[a, b]).await?, member::remove(tx, outer, &[a]).await?), (vec![a], vec![]));
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        let standing = [group::find(&mut tx, outer).await.unwrap().unwrap(), group::find(&mut tx, inner).await.unwrap().unwrap()];
        assert_eq!((standing[0].member_count, standing[1].member_count, standing[1].name.as_str()), (1, 0, "TP 2"));
        for group in [outer, inner] {
            let revised = scim_resource::find(&mut tx, feed.id, Kind::Group, group.uuid()).await.unwrap().unwrap();
            assert_eq!((revised.rev, revised.updated_at), (2, LATER), "a group that somebody, or a group, left is another revision");
        }
    })
    .await;
}

#[tokio::test]
async fn a_feed_is_counted() {
    on_every_engine(async |bed| {
        let feed = feed("entra");
        with(bed, &feed, &[], &[]).await;
        let taken = |people| Taken { people, groups: 1, memberships: 3 };
        bed.write(async |tx| {
            scim_feed::count(tx, feed.id, 5, 2).await?;
            scim_feed::count(tx, feed.id, -1, 0).await?;
            scim_feed::touch(tx, feed.id, LATER).await?;
            scim_feed::take(tx, feed.id, NOW, taken(2)).await?;
            scim_feed::take(tx, feed.id, NOW, taken(1)).await?;
            scim_feed::take(tx, feed.id, NOW.plus_s(7200), taken(4)).await
        })
        .await;
        let mut tx = bed.read().await;
        let state = scim_feed::get(&mut tx, feed.id).await.unwrap();
        assert_eq!((state.users, state.groups, state.requested_at), (4, 2, Some(LATER)));
        assert_eq!(scim_feed::taken_since(&mut tx, feed.id, NOW).await.unwrap(), Taken { people: 7, groups: 3, memberships: 9 });
        assert_eq!(scim_feed::taken_since(&mut tx, feed.id, NOW.plus_s(3600)).await.unwrap().people, 4);
        drop(tx);
        bed.write(async |tx| scim_feed::forget_taken(tx, NOW.plus_s(3600)).await).await;
        assert_eq!(scim_feed::taken_since(&mut bed.read().await, feed.id, NOW).await.unwrap().people, 4);
    })
    .await;
}

#[tokio::test]
async fn tokens_of_a_feed_bear_its_name_and_end_when_they_are_told() {
    on_every_engine(async |bed| {
        let feed = feed("entra");
        with(bed, &feed, &[], &[]).await;
        let made = ApiToken {
            id: TokenId::new(),
            name: "Entra".to_owned(),
            kind: TokenKind::Scim,
            scope: "entra".to_owned(),
            created_at: NOW,
            last_used_at: None,
            expires_at: None,
            created_by: None,
            within: None,
            source_id: Some(feed.id),
        };
        bed.write(async |tx| {
            api_token::insert(tx, token("feed"), &made).await?;
            api_token::rename_source(tx, feed.id, "azure").await?;
            api_token::expire(tx, made.id, LATER).await?;
            api_token::expire(tx, made.id, LATER.plus_s(60)).await
        })
        .await;
        let mut tx = bed.read().await;
        let found = api_token::find(&mut tx, made.id).await.unwrap();
        assert_eq!(found, Some(ApiToken { scope: "azure".to_owned(), expires_at: Some(LATER), ..made.clone() }));
        assert!(api_token::find_live(&mut tx, token("feed"), NOW).await.unwrap().is_some());
        assert!(api_token::find_live(&mut tx, token("feed"), LATER).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn several_events_are_added_at_once_and_what_was_decided_of_an_entry_is_known() {
    on_every_engine(async |bed| {
        let (feed, anne) = (feed("entra"), person("anne"));
        with(bed, &feed, std::slice::from_ref(&anne), &[]).await;
        let event = |n: usize| AuditEvent {
            id: Uuid::now_v7(),
            at: NOW,
            actor: "source:entra".to_owned(),
            action: "user.created".to_owned(),
            subject_kind: "user".to_owned(),
            subject_id: n.to_string(),
            detail: json!({ "n": n }),
        };
        let events: Vec<AuditEvent> = (0..30).map(event).collect();
        let decided = Proposal {
            id: ProposalId::new(),
            source_id: feed.id,
            source: feed.name.clone(),
            external_id: "x-anne".to_owned(),
            user_id: anne.id,
            username: anne.username.clone(),
            rule: "email".to_owned(),
            detail: json!({}),
            state: ProposalState::Rejected,
            created_at: NOW,
            decided_at: Some(LATER),
            decided_by: Some("user:1".to_owned()),
        };
        let run = samples::run(&feed, State::Done);
        bed.write(async |tx| {
            audit_event::insert_all(tx, &events).await?;
            proposal::propose(tx, &Proposal { state: ProposalState::Open, ..decided.clone() }).await?;
            assert_eq!(sync_run::last_ended(tx).await?, None);
            sync_run::insert(tx, &run).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(audit_event::list(&mut tx, &PageRequest::first(50), &audit_event::Filter::default()).await.unwrap().total, 30);
        assert_eq!(proposal::list_decided_of_entry(&mut tx, feed.id, "x-anne").await.unwrap(), []);
        assert_eq!(sync_run::last_ended(&mut tx).await.unwrap(), Some(run.id.uuid()));
        drop(tx);
        bed.write(async |tx| proposal::decide(tx, &decided).await).await;
        let known = proposal::list_decided_of_entry(&mut bed.read().await, feed.id, "x-anne").await.unwrap();
        assert_eq!(known, [(anne.id, ProposalState::Rejected)]);
    })
    .await;
}
