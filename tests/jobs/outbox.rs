//! The outbox: sent once, tried again with longer waits, given up in sight, and nothing lost when a program is killed.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{join_all, pending};
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::outbox::{self, Filter, GUARD_S, Kind, New, Outcome, Outgoing, State};
use passerelle::services::{audit, housekeeping, jobs};
use passerelle::store::establishment::audit_event;
use passerelle::types::id::OutboxId;
use passerelle::types::page::PageRequest;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::api::kit::Served;
use crate::harness::gateway::TestGateway;

/// Written into every content, and nowhere else.
const SAID: &str = "votre lien secret";

pub(super) async fn put(ctx: &Context, kind: Kind) -> OutboxId {
    let (recipient, topic) = ("élodie@acad-test.fr".to_owned(), "invitation".to_owned());
    let new = New { kind, recipient, topic, content: json!({ "said": SAID }), batch: None };
    let mut tx = ctx.store.begin().await.unwrap();
    let id = outbox::put_in(&mut tx, ctx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[test]
fn what_is_to_be_said_and_to_whom_is_not_for_logs() {
    let recipient = "élodie@acad-test.fr".to_owned();
    let new = New { kind: Kind::Mail, recipient, topic: "invitation".to_owned(), content: json!({ "said": SAID }), batch: None };
    let shown = format!("{new:?}");
    assert!(shown.contains("invitation") && !shown.contains(SAID) && !shown.contains("acad-test"), "{shown}");
}

async fn only(ctx: &Context) -> Outgoing {
    let mut page = outbox::list(ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(page.total, 1);
    page.items.remove(0)
}

fn at(ctx: &Context, seconds: i64) -> Context {
    Context { now: ctx.now.plus_s(seconds), ..ctx.clone() }
}

#[tokio::test]
async fn a_letter_is_sent_once_however_many_deliver() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    for _ in 0..20 {
        put(&ctx, Kind::Mail).await;
    }
    let sent = AtomicUsize::new(0);
    let sender = async |_: &Outgoing, content: &Value| {
        assert_eq!(content["said"], SAID);
        sent.fetch_add(1, Ordering::Relaxed);
        Outcome::Sent
    };
    assert_eq!(outbox::deliver(&ctx, sender).await.unwrap(), None);
    assert_eq!(outbox::deliver(&ctx, sender).await.unwrap(), None);
    assert_eq!(sent.load(Ordering::Relaxed), 20);
    let listed =
        outbox::list(&ctx, &PageRequest::first(50), &Filter { state: Some("sent".to_owned()), ..Filter::default() }).await.unwrap();
    assert_eq!(listed.total, 20);
    assert!(listed.items.iter().all(|o| o.content_sealed.is_none() && o.attempts == 1 && o.ended_at == Some(ctx.now)));
}

/// Begins to send, and is killed before the other side answered.
async fn killed_while_sending(ctx: &Context) {
    let begun = Notify::new();
    let sender = async |_: &Outgoing, _: &Value| {
        begun.notify_one();
        pending().await
    };
    tokio::select! {
        ended = outbox::deliver(ctx, sender) => panic!("nothing ends here: {ended:?}"),
        () = begun.notified() => {}
    }
}

#[tokio::test]
async fn a_letter_that_was_being_sent_when_the_program_was_killed_is_never_sent_twice() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    put(&ctx, Kind::Mail).await;
    killed_while_sending(&ctx).await;
    assert_eq!(only(&ctx).await.state, State::Sending);
    let never = async |_: &Outgoing, _: &Value| panic!("it may have been delivered");
    assert_eq!(outbox::deliver(&at(&ctx, 3600), never).await.unwrap(), None);
    let dead = only(&ctx).await;
    assert_eq!(dead.state, State::Dead);
    assert!(dead.error.unwrap().contains("it may have been delivered"));
}

#[tokio::test]
async fn a_logout_notice_that_was_being_sent_when_the_program_was_killed_is_sent_again() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    put(&ctx, Kind::Logout).await;
    killed_while_sending(&ctx).await;
    assert_eq!(outbox::deliver(&ctx, async |_: &Outgoing, _: &Value| Outcome::Sent).await.unwrap(), None);
    let sent = only(&ctx).await;
    assert_eq!((sent.state, sent.attempts), (State::Sent, 2));
}

#[tokio::test]
async fn what_does_not_go_now_waits_longer_each_time_and_is_given_up_after_three_days() {
    let test = TestGateway::start().await;
    let mut ctx = test.platform().await.context().clone();
    let begun = ctx.now;
    put(&ctx, Kind::Mail).await;
    let busy = async |_: &Outgoing, _: &Value| Outcome::Later("the server is busy".to_owned());
    let mut waits = Vec::new();
    while let Some(due_at) = outbox::deliver(&ctx, busy).await.unwrap() {
        waits.push(due_at.seconds() - ctx.now.seconds());
        assert_eq!(outbox::deliver(&at(&ctx, -1), busy).await.unwrap(), Some(due_at), "not before it is due");
        ctx.now = due_at;
    }
    assert!(waits.is_sorted() && waits[..3] == [60, 120, 240] && waits.last() == Some(&(6 * 3600)), "{waits:?}");
    let days = (ctx.now.seconds() - begun.seconds()) / (24 * 3600);
    assert_eq!(days, 2, "the last attempt is made within three days");
    let dead = only(&ctx).await;
    assert_eq!((dead.state, dead.attempts), (State::Dead, 20));
    assert!(dead.error.unwrap().contains("the server is busy"));
}

#[tokio::test]
async fn an_application_that_does_not_answer_is_left_alone_with_all_that_waits_for_it() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    for _ in 0..40 {
        put(&ctx, Kind::Logout).await;
    }
    put(&ctx, Kind::Mail).await;
    let calls = AtomicUsize::new(0);
    let silent = async |outgoing: &Outgoing, _: &Value| match outgoing.kind {
        Kind::Mail => Outcome::Sent,
        Kind::Logout => {
            calls.fetch_add(1, Ordering::Relaxed);
            Outcome::Later("no answer within 10 seconds".to_owned())
        }
    };
    outbox::deliver(&ctx, silent).await.unwrap();
    let called = calls.load(Ordering::Relaxed);
    assert!(called < 10, "{called} calls");
    outbox::deliver(&at(&ctx, 299), silent).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), called, "and not before minutes are over");
    let sent = Filter { state: Some("sent".to_owned()), ..Filter::default() };
    assert_eq!(outbox::list(&ctx, &PageRequest::first(10), &sent).await.unwrap().total, 1, "the letter behind them is sent");
    let answers = async |_: &Outgoing, _: &Value| Outcome::Sent;
    assert_eq!(outbox::deliver(&at(&ctx, 300), answers).await.unwrap(), None, "then all of them go");
}

#[tokio::test]
async fn what_is_refused_or_uncertain_is_given_up_at_once() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    for outcome in [Outcome::Refused("no such address".to_owned()), Outcome::Uncertain("no answer".to_owned())] {
        let id = put(&ctx, Kind::Mail).await;
        outbox::deliver(&ctx, async |_: &Outgoing, _: &Value| outcome.clone()).await.unwrap();
        let listed = outbox::list(&ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
        let dead = listed.items.into_iter().find(|o| o.id == id).unwrap();
        assert_eq!((dead.state, dead.attempts), (State::Dead, 1));
    }
}

#[tokio::test]
async fn what_was_given_up_gets_another_try_in_the_trail_and_a_letter_that_was_sent_does_not() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    let id = put(&ctx, Kind::Mail).await;
    assert!(matches!(outbox::retry(&ctx, id).await, Err(Error::Conflict(_))), "it waits still");
    outbox::deliver(&ctx, async |_: &Outgoing, _: &Value| Outcome::Refused("no such address".to_owned())).await.unwrap();
    let again = outbox::retry(&ctx, id).await.unwrap();
    assert_eq!((again.state, again.attempts, again.ended_at), (State::Waiting, 1, None));
    let filter = audit_event::Filter { action: Some("outbox.retried".to_owned()), ..audit_event::Filter::default() };
    let trail = audit::list(&ctx, &PageRequest::first(10), &filter).await.unwrap();
    assert_eq!(trail.items.iter().map(|event| event.subject_id.clone()).collect::<Vec<_>>(), [id.to_string()]);
    let detail = trail.items[0].detail.to_string();
    assert!(!detail.contains(SAID) && !detail.contains("acad-test"), "{detail}");
    outbox::deliver(&ctx, async |_: &Outgoing, _: &Value| Outcome::Sent).await.unwrap();
    assert!(matches!(outbox::retry(&ctx, id).await, Err(Error::Conflict(_))));
    assert!(matches!(outbox::retry(&ctx, OutboxId::new()).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn what_is_committed_late_and_never_hurried_is_sent_all_the_same() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    // A program announces, and is slow; another announces, writes and hurries, so that the outbox is looked at meanwhile.
    let slow = outbox::announce(&ctx).await.unwrap();
    let quick = outbox::announce(&ctx).await.unwrap();
    quick.hurry(&ctx).await;
    jobs::run_due(&test.gateway, ctx.now).await.unwrap();
    // Then the slow one commits, and is killed before it hurries.
    put(&ctx, Kind::Mail).await;
    drop(slow);
    assert_eq!(jobs::run_due(&test.gateway, ctx.now.plus_s(GUARD_S - 1)).await.unwrap(), 0);
    jobs::run_due(&test.gateway, ctx.now.plus_s(GUARD_S + 5)).await.unwrap();
    assert_eq!(only(&ctx).await.attempts, 1);
}

#[tokio::test]
async fn rows_that_ended_long_ago_go_and_a_lost_job_is_asked_for_again() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    put(&ctx, Kind::Mail).await;
    outbox::deliver(&ctx, async |_: &Outgoing, _: &Value| Outcome::Sent).await.unwrap();
    let day = 24 * 3600;
    housekeeping::sweep(&test.gateway, ctx.now.plus_s(29 * day)).await;
    assert_eq!(only(&ctx).await.state, State::Sent);
    housekeeping::sweep(&test.gateway, ctx.now.plus_s(31 * day)).await;
    put(&ctx, Kind::Mail).await;
    assert_eq!(only(&ctx).await.state, State::Waiting);
    housekeeping::sweep(&test.gateway, ctx.now.plus_s(60)).await;
    assert_eq!(super::all_jobs(&test).await, [], "nobody announced it, and it waits for a moment only");
    housekeeping::sweep(&test.gateway, ctx.now.plus_s(3600)).await;
    assert_eq!(super::all_jobs(&test).await.len(), 1);
}

#[tokio::test]
async fn many_announcements_are_one_job() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    join_all((0..20).map(|_| async { outbox::announce(&ctx).await.unwrap().hurry(&ctx).await })).await;
    let asked = super::all_jobs(&test).await;
    assert_eq!(asked.iter().map(|job| (job.slug.as_str(), job.due_at)).collect::<Vec<_>>(), [("platform", ctx.now)]);
}

#[tokio::test]
async fn the_api_lists_what_was_given_up_without_what_it_says() {
    let api = Served::start().await;
    let slug = api.establishment("Collège Jean Jaurès").await;
    let (administrator, auditor) = (api.token(&slug, "administrator").await, api.token(&slug, "auditor").await);
    let ctx = api.test.context(&slug).await;
    let id = put(&ctx, Kind::Mail).await;
    outbox::deliver(&ctx, async |_: &Outgoing, _: &Value| Outcome::Refused("no such address".to_owned())).await.unwrap();
    let there = format!("/api/v1/establishments/{slug}/outbox");
    let listed = api.get(&format!("{there}?state=dead&kind=mail&topic=invitation&q=ELODIE"), &auditor).await;
    assert_eq!((listed.status, &listed.body["total"]), (StatusCode::OK, &json!(0)), "accents count in a search");
    let listed = api.get(&format!("{there}?state=dead&kind=mail&topic=invitation&q=acad-test"), &auditor).await;
    let shown = &listed.body["items"][0];
    assert_eq!((&shown["id"], &shown["error"], &shown["attempts"]), (&json!(id), &json!("no such address"), &json!(1)));
    assert!(shown.get("content_sealed").is_none() && !listed.body.to_string().contains(SAID));
    let refused = api.post(&format!("{there}/{id}/retry"), &administrator, &json!(null)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "letters are the operators'");
    let operator = api.token("platform", "operator").await;
    let again = api.post(&format!("{there}/{id}/retry"), &operator, &json!(null)).await;
    assert_eq!((again.status, &again.body["state"]), (StatusCode::OK, &json!("waiting")), "{:?}", again.body);
    let twice = api.post(&format!("{there}/{id}/retry"), &operator, &json!(null)).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
}
