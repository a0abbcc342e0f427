//! Whatever a server does, a reading ends within its deadlines, with its own clear error, and never counts as complete.

use std::time::{Duration, Instant};

use connectors::ldap::Malformed;
use connectors::{Cause, Directory, Error, Kind, Member, Record, Settings};
use serde_json::json;

use super::misbehaving::{Fault, start};
use super::{assert_prompt, impatient, read};

async fn source(fault: Fault, mode: &str) -> Directory {
    let json =
        json!({"urls": [start(fault).await], "bind_dn": "cn=reader,dc=x", "base_dn": "dc=x", "page_size": 10, "tls": {"mode": mode}});
    let mut settings = Settings::parse(&json).unwrap();
    settings.limits = impatient();
    Directory::new(settings, Some("secret".into())).await.unwrap()
}

async fn error_of(fault: Fault, mode: &str) -> Error {
    let started = Instant::now();
    let (_, outcome) = read(&source(fault, mode).await, Duration::from_secs(3)).await;
    let error = outcome.expect_err("the reading must not count as complete");
    assert_prompt(started, &error.cause);
    let text = error.to_string();
    assert!(text.starts_with("ldap://127.0.0.1:") && text.contains(error.cause.advice()) && !text.contains("secret"), "{text}");
    error
}

/// A fault, the protection asked for, and the one cause that tells it.
type Case = (Fault, &'static str, fn(&Cause) -> bool);

const CASES: [Case; 22] = [
    (Fault::DropMid, "none", |cause| matches!(cause, Cause::Dropped(20))),
    (Fault::Silent, "none", |cause| matches!(cause, Cause::Silent { .. })),
    (Fault::Drip, "none", |cause| matches!(cause, Cause::Silent { .. })),
    (Fault::BindSilent, "none", |cause| matches!(cause, Cause::Silent { what: "answer the bind", .. })),
    (Fault::StartTlsDrop, "starttls", |cause| matches!(cause, Cause::ClosedAtOnce)),
    (Fault::Silent, "starttls", |cause| matches!(cause, Cause::Silent { what: "finish StartTLS", .. })),
    (Fault::StartTlsRefused, "starttls", |cause| matches!(cause, Cause::StartTlsRefused { code: 2, text } if text == "no TLS here")),
    (Fault::StartTlsInjected, "starttls", |cause| matches!(cause, Cause::ClearTextInjected)),
    (Fault::Notice, "none", |cause| matches!(cause, Cause::Notice { code: 52, text } if text == "shutting down")),
    (Fault::InnerLength, "none", |cause| matches!(cause, Cause::Malformed(Malformed::Overrun))),
    (Fault::HugeLength, "none", |cause| matches!(cause, Cause::Malformed(Malformed::TooLong(0xffff_ffff)))),
    (Fault::Nest, "none", |cause| matches!(cause, Cause::Malformed(Malformed::TooDeep))),
    (Fault::BadOperation, "none", |cause| matches!(cause, Cause::Malformed(Malformed::Shape(_)))),
    (Fault::BadControl, "none", |cause| matches!(cause, Cause::Malformed(Malformed::Shape(_)))),
    (Fault::SizeLimit, "none", |cause| matches!(cause, Cause::SizeLimit { read: 20, code: 4 })),
    (Fault::Busy, "none", |cause| matches!(cause, Cause::Busy { code: 51, .. })),
    (Fault::NoPageControl, "none", |cause| matches!(cause, Cause::PagingIgnored)),
    (Fault::SameCookie, "none", |cause| matches!(cause, Cause::RepeatedPage(10))),
    (Fault::Endless, "none", |cause| matches!(cause, Cause::Deadline(_))),
    (Fault::Referral, "none", |cause| matches!(cause, Cause::Referral(uri) if uri.contains("elsewhere"))),
    (Fault::NotLdap, "none", |cause| matches!(cause, Cause::Malformed(Malformed::NotLdap(b'S')))),
    (Fault::TlsAlert, "none", |cause| matches!(cause, Cause::TlsPort)),
];

#[tokio::test]
async fn every_fault_ends_in_time_with_a_cause_of_its_own() {
    let mut checks = tokio::task::JoinSet::new();
    for (fault, mode, is_its_own) in CASES {
        checks.spawn(async move {
            let error = error_of(fault, mode).await;
            assert!(is_its_own(&error.cause), "{fault:?} gave {error:?}");
        });
    }
    checks.join_all().await;
}

#[tokio::test]
async fn a_cookie_that_never_changes_is_no_fault_when_the_pages_do() {
    let (records, outcome) = read(&source(Fault::ConstantCookie, "none").await, Duration::from_secs(3)).await;
    let summary = outcome.unwrap();
    // The server gives three pages to each of the two searches; a group needs a `cn`, which these entries have not.
    assert_eq!((summary.people, summary.groups, summary.unreadable, summary.pages), (30, 0, 30, 6));
    assert_eq!(records.len(), 60);
}

#[tokio::test]
async fn members_cut_into_ranges_are_asked_for_to_the_last() {
    let (records, outcome) = read(&source(Fault::Ranges, "none").await, Duration::from_secs(3)).await;
    assert_eq!(outcome.unwrap().groups, 1);
    let group = records.iter().find_map(|r| if let Record::Group(g) = r { Some(g) } else { None }).unwrap();
    let wanted: Vec<Member> = (0..8).map(|at| Member::Dn(format!("uid=u1-{at},dc=x"))).collect();
    assert_eq!((group.name.as_str(), &group.members), ("big", &wanted));
}

#[tokio::test]
async fn a_group_whose_other_ranges_do_not_come_is_set_aside_whole() {
    let (records, outcome) = read(&source(Fault::RangesLost, "none").await, Duration::from_secs(3)).await;
    assert_eq!(outcome.unwrap().groups, 0);
    let cut = |r: &&Record| matches!(r, Record::Unreadable(u) if u.reason.starts_with("member: the directory cuts"));
    assert_eq!(records.iter().filter(cut).count(), 1);
}

#[tokio::test]
async fn an_entry_whose_dn_is_not_text_is_set_aside_and_the_others_come() {
    let (records, outcome) = read(&source(Fault::BadDn, "none").await, Duration::from_secs(3)).await;
    assert_eq!(outcome.unwrap().people, 30);
    let aside = records.iter().find_map(|r| if let Record::Unreadable(u) = r { Some(u) } else { None }).unwrap();
    assert_eq!((aside.dn.as_deref(), aside.external_id.as_deref(), aside.kind), (None, Some("struck"), Kind::Person));
    assert_eq!(aside.reason, "its DN is not UTF-8");
}

#[tokio::test]
async fn entries_of_no_known_shape_are_set_aside() {
    let (records, outcome) = read(&source(Fault::BadEntry, "none").await, Duration::from_secs(3)).await;
    assert_eq!(outcome.unwrap().people, 30);
    let shapeless = |r: &&Record| matches!(r, Record::Unreadable(u) if u.reason.contains("RFC 4511"));
    assert_eq!(records.iter().filter(shapeless).count(), 3);
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_reading() {
    let mut reading = source(Fault::Endless, "none").await.read(Duration::from_mins(1));
    assert_eq!(reading.pages.recv().await.unwrap().len(), 10);
    drop(reading.pages);
    let error = reading.outcome.await.unwrap().unwrap_err();
    assert!(matches!(error.cause, Cause::GivenUp), "{error:?}");
}

#[tokio::test]
async fn a_reader_that_waits_is_waited_for_with_few_pages_in_hand() {
    let directory = source(Fault::ConstantCookie, "none").await;
    let reading = directory.read(Duration::from_secs(30));
    let outcome = reading.outcome;
    // Six pages exist, two may wait: it cannot end before someone reads.
    tokio::time::timeout(Duration::from_millis(800), outcome).await.unwrap_err();
    let mut pages = reading.pages;
    assert!(pages.len() <= 2);
    let mut count = 0;
    while pages.recv().await.is_some() {
        count += 1;
    }
    assert_eq!(count, 6);
}
