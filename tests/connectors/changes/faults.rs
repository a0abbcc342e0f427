//! Content synchronisation with a server that misbehaves: whatever it does, a reading of changes ends in time, with a cause of its own, and
//! never counts as complete.

use std::time::{Duration, Instant};

use connectors::ldap::{Limits, Malformed};
use connectors::{Bookmark, Cause, Directory, Extent, Settings};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::{Said, changes, next};
use crate::connectors::misbehaving::{frame, is_root_dse, message, person, result, tlv};
use crate::connectors::{assert_prompt, impatient};

const COOKIE: &str = "rid=000,csn=20260101000000.000000Z#000000#000#000000";
const LATER: &str = "rid=000,csn=20260202000000.000000Z#000000#000#000000";

/// How the server misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Not at all.
    None,
    /// Not at all, but that it gives the cookie it was given.
    SameCookie,
    /// It could not read the cookie, and gives an empty one.
    EmptyCookie,
    /// Closes in the middle of an entry.
    DropMid,
    /// Says nothing any more.
    Silent,
    /// An entry without its state.
    NoState,
    /// An entry whose key has fifteen bytes.
    ShortKey,
    /// A set of keys that holds something else.
    BadIdSet,
    /// The end without its control.
    NoDone,
    /// The end with a control that is none.
    BadDone,
    /// A cookie that is not text.
    BinaryCookie,
    /// Asks for a refresh from the start.
    RefreshRequired,
    /// Does not know the control any more.
    Unavailable,
    /// Stops at its size limit.
    SizeLimit,
    /// Refers to another server.
    Referral,
    /// Caught up, and falls silent for good.
    SilentLater,
    /// Caught up, and answers only whether it is still there; then it closes.
    QuietLater,
}

async fn start(fault: Fault) -> Directory {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client may leave first: that is what the tests are about.
            tokio::spawn(async move { drop(serve(stream, fault).await) });
        }
    });
    let json = json!({"urls": [url], "bind_dn": "cn=reader,dc=x", "base_dn": "ou=people,dc=x", "group_base_dn": "ou=groups,dc=x"});
    let mut settings = Settings::parse(&json).unwrap();
    settings.limits = Limits { keepalive: Duration::from_millis(50), ..impatient() };
    Directory::new(settings, Some("secret".into())).await.unwrap()
}

fn bookmark() -> Bookmark {
    Bookmark { method: "syncrepl".to_owned(), belongs_to: String::new(), people: COOKIE.to_owned(), groups: COOKIE.to_owned() }
}

async fn serve(mut stream: TcpStream, fault: Fault) -> std::io::Result<()> {
    let mut pings = 0;
    loop {
        let request = frame(&mut stream).await?;
        let (id, op) = (request[2 + 2], request[2 + 3]);
        let lasting = request.windows(3).any(|window| window == [0x0a, 1, 3]);
        match op {
            0x60 => stream.write_all(&message(id, &result(0x61, 0, ""), &[])).await?,
            // A search of the root DSE for nothing asks whether one is still there.
            0x63 if is_root_dse(&request) && request.windows(3).any(|window| window == b"1.1") => {
                pings += 1;
                match fault {
                    Fault::QuietLater if pings < 3 => stream.write_all(&message(id, &result(0x65, 0, ""), &[])).await?,
                    Fault::QuietLater => return Ok(()),
                    _ => std::future::pending().await,
                }
            }
            0x63 if is_root_dse(&request) => {
                stream.write_all(&[message(id, &root_dse(), &[]), message(id, &result(0x65, 0, ""), &[])].concat()).await?;
            }
            0x63 if lasting => {
                let end = tlv(0xa1, &tlv(4, LATER.as_bytes()));
                stream.write_all(&message(id, &between(&end), &[])).await?;
            }
            0x63 => stream.write_all(&answer(id, fault)).await?,
            _ => return Ok(()),
        }
        match fault {
            Fault::DropMid if op == 0x63 && !is_root_dse(&request) => return stream.shutdown().await,
            Fault::Silent if op == 0x63 && !is_root_dse(&request) => std::future::pending().await,
            _ => {}
        }
    }
}

/// A server that says it is OpenLDAP.
fn root_dse() -> Vec<u8> {
    let attribute = |name: &str, value: &str| tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &tlv(4, value.as_bytes()))].concat());
    let attributes = [attribute("objectClass", "OpenLDAProotDSE"), attribute("supportedControl", "1.3.6.1.4.1.4203.1.9.1.1")].concat();
    tlv(0x64, &[tlv(4, b""), tlv(0x30, &attributes)].concat())
}

/// One person as changed, one as gone, and the end, with the fault among them.
fn answer(id: u8, fault: Fault) -> Vec<u8> {
    let entry = |key: &[u8]| message(id, &person(b"uid=a,dc=x"), &control("1.3.6.1.4.1.4203.1.9.1.2", &state(key)));
    let set = |key: &[u8]| message(id, &between(&tlv(0xa3, &[tlv(1, &[0xff]), tlv(0x31, &tlv(4, key))].concat())), &[]);
    let cookie: &[u8] = match fault {
        Fault::SameCookie => COOKIE.as_bytes(),
        Fault::EmptyCookie => b"",
        Fault::BinaryCookie => b"\xff\xfe",
        _ => LATER.as_bytes(),
    };
    let end = control("1.3.6.1.4.1.4203.1.9.1.3", &tlv(0x30, &[tlv(4, cookie), tlv(1, &[0xff])].concat()));
    let done = |code: u8| message(id, &result(0x65, code, ""), &end);
    match fault {
        Fault::Silent => entry(&[1; 16]),
        Fault::DropMid => {
            let whole = entry(&[1; 16]);
            whole[..whole.len() / 2].to_vec()
        }
        Fault::NoState => [message(id, &person(b"uid=a,dc=x"), &[]), done(0)].concat(),
        Fault::ShortKey => [entry(&[1; 15]), done(0)].concat(),
        Fault::BadIdSet => [set(&[1; 3]), done(0)].concat(),
        Fault::NoDone => message(id, &result(0x65, 0, ""), &[]),
        Fault::BadDone => message(id, &result(0x65, 0, ""), &control("1.3.6.1.4.1.4203.1.9.1.3", &[4, 1, 1])),
        Fault::RefreshRequired => message(id, &tlv(0x65, &[&[0x0a, 2, 0x10, 0, 4, 0], tlv(4, b"too old").as_slice()].concat()), &[]),
        Fault::Unavailable => message(id, &result(0x65, 12, ""), &[]),
        Fault::SizeLimit => [entry(&[1; 16]), message(id, &result(0x65, 4, ""), &[])].concat(),
        Fault::Referral => message(id, &tlv(0x73, &tlv(4, b"ldap://elsewhere.example.fr/dc=x")), &[]),
        _ => [entry(&[1; 16]), set(&[2; 16]), done(0)].concat(),
    }
}

fn state(key: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[0x0a, 1, 1], tlv(4, key).as_slice()].concat())
}

fn control(name: &str, value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(4, name.as_bytes()), tlv(4, value)].concat())
}

fn between(value: &[u8]) -> Vec<u8> {
    tlv(0x79, &[tlv(0x80, b"1.3.6.1.4.1.4203.1.9.1.4"), tlv(0x81, value)].concat())
}

/// A fault, and the one cause that tells it.
type Case = (Fault, fn(&Cause) -> bool);

const CASES: [Case; 12] = [
    (Fault::DropMid, |cause| matches!(cause, Cause::Dropped(_))),
    (Fault::Silent, |cause| matches!(cause, Cause::Silent { .. })),
    (Fault::NoState, |cause| matches!(cause, Cause::Malformed(Malformed::Shape(_)))),
    (Fault::ShortKey, |cause| matches!(cause, Cause::Malformed(Malformed::Shape("a key has not sixteen bytes")))),
    (Fault::BadIdSet, |cause| matches!(cause, Cause::Malformed(Malformed::Shape("a key has not sixteen bytes")))),
    (Fault::NoDone, |cause| matches!(cause, Cause::Malformed(Malformed::Shape(_)))),
    (Fault::BadDone, |cause| matches!(cause, Cause::Malformed(Malformed::Shape(_)))),
    (Fault::BinaryCookie, |cause| matches!(cause, Cause::Malformed(Malformed::Shape(_)))),
    (Fault::RefreshRequired, |cause| matches!(cause, Cause::BookmarkRefused { code: 4096, text } if text == "too old")),
    (Fault::Unavailable, |cause| matches!(cause, Cause::BookmarkRefused { code: 12, .. })),
    (Fault::SizeLimit, |cause| matches!(cause, Cause::SizeLimit { read: 1, code: 4 })),
    (Fault::Referral, |cause| matches!(cause, Cause::Referral(uri) if uri.contains("elsewhere"))),
];

#[tokio::test]
async fn every_fault_ends_in_time_with_a_cause_of_its_own() {
    let mut checks = tokio::task::JoinSet::new();
    for (fault, is_its_own) in CASES {
        checks.spawn(async move {
            let started = Instant::now();
            let error = changes(&start(fault).await, &bookmark()).await.1.expect_err("it must not count as complete");
            assert_prompt(started, &error.cause);
            assert!(is_its_own(&error.cause), "{fault:?} gave {error:?}");
        });
    }
    checks.join_all().await;
}

#[tokio::test]
async fn what_a_sound_answer_says_is_taken_and_the_bookmark_goes_on() {
    for (fault, cookie) in [(Fault::None, LATER), (Fault::SameCookie, COOKIE)] {
        let (steps, outcome) = changes(&start(fault).await, &bookmark()).await;
        let caught = outcome.unwrap();
        assert_eq!((caught.people, caught.groups), (Extent::Changes, Extent::Changes));
        assert_eq!(caught.bookmark.unwrap().people, cookie);
        let gone: Vec<String> = steps
            .iter()
            .filter_map(|step| if let connectors::Step::Gone { external_id, .. } = step { Some(external_id.clone()) } else { None })
            .collect();
        assert_eq!(gone, ["02020202-0202-0202-0202-020202020202"; 2]);
    }
}

#[tokio::test]
async fn an_empty_cookie_makes_the_answer_whole_and_leaves_no_bookmark() {
    let (_, outcome) = changes(&start(Fault::EmptyCookie).await, &bookmark()).await;
    let caught = outcome.unwrap();
    assert_eq!((caught.people, caught.groups, caught.bookmark), (Extent::Whole, Extent::Whole, None));
}

#[tokio::test]
async fn a_silent_server_is_asked_whether_it_is_still_there() {
    for (fault, is_its_own) in [
        (Fault::SilentLater, (|cause| matches!(cause, Cause::Silent { .. })) as fn(&Cause) -> bool),
        (Fault::QuietLater, |cause| matches!(cause, Cause::Dropped(_))),
    ] {
        let started = Instant::now();
        let mut following = start(fault).await.follow(&bookmark()).unwrap();
        let first = next(&mut following).await;
        assert_eq!((Said::of(&first.steps), first.bookmark.unwrap().people), (Said::default(), LATER.to_owned()));
        assert_eq!(following.batches.recv().await, None);
        let error = following.outcome.await.unwrap().unwrap_err();
        assert_prompt(started, &error.cause);
        assert!(is_its_own(&error.cause), "{fault:?} gave {error:?}");
    }
}
