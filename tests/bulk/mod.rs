//! Tests of: acts on many establishments at once (SAC-29 to SAC-33).

mod api;
mod interrupted;

use passerelle::config::Config;
use passerelle::services::bulk::{self, Act, Choice, NewLetter, To};
use passerelle::services::context::PlatformContext;
use passerelle::services::establishments::{self, NewContact, NewEstablishment};
use passerelle::services::jobs;
use passerelle::store::establishment::bulk_item::{BulkItem, ItemOutcome};
use passerelle::store::establishment::bulk_run::{BulkRun, BulkState};
use passerelle::types::page::PageRequest;
use serde_json::json;

use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;

/// A gateway with as many establishments, `ecole-1` and so on, whose contacts all have an address but the last one's.
async fn with_schools(count: usize, adjust: impl FnOnce(&mut Config)) -> TestGateway {
    let test = TestGateway::start_with(adjust).await;
    for n in 1..=count {
        let email = (n < count).then(|| format!("contact-{n}@acad-test.fr"));
        let contact = NewContact { email, given_name: Some("Zoé".to_owned()), ..NewContact::default() };
        let new = NewEstablishment { name: format!("École {n}"), contact, send_mail: Some(false), ..NewEstablishment::default() };
        establishments::create(&test.platform().await, &new).await.unwrap();
    }
    test
}

fn these(slugs: &[&str]) -> Choice {
    Choice { slugs: Some(slugs.iter().map(|slug| (*slug).to_owned()).collect()), ..Choice::default() }
}

fn everyone() -> Choice {
    Choice { all: true, ..Choice::default() }
}

fn letter(to: To) -> NewLetter {
    NewLetter { to, subject: "Rentrée".to_owned(), body: "Bonjour à toutes et à tous.".to_owned() }
}

/// A run carried on to its end by this node's jobs, and its items.
async fn carried_out(test: &TestGateway, choice: &Choice, act: Act) -> (BulkRun, Vec<BulkItem>) {
    let platform = test.platform().await;
    let run = bulk::start(&platform, choice, act).await.unwrap();
    assert_eq!(run.state, BulkState::Running);
    jobs::run_due(&test.gateway, platform.context().now).await.unwrap();
    ended(&platform, &run).await
}

async fn ended(platform: &PlatformContext, run: &BulkRun) -> (BulkRun, Vec<BulkItem>) {
    let run = bulk::show(platform, run.id).await.unwrap();
    assert_eq!((run.state, run.ended_at.is_some(), run.done + run.failed), (BulkState::Done, true, run.total), "{run:?}");
    let items = bulk::items(platform, run.id, &PageRequest::first(500), None).await.unwrap();
    (run, items.items)
}

#[tokio::test]
async fn one_broken_store_among_five_is_listed_and_the_others_are_done() {
    let test = with_schools(5, |_| {}).await;
    let broken = test.context("ecole-3").await;
    test.gateway.stores.remove(&*broken.establishment).await.unwrap();
    let (run, items) = carried_out(&test, &everyone(), Act::Stats).await;
    assert_eq!((run.total, run.done, run.failed), (5, 4, 1));
    let outcomes: Vec<_> = items.iter().map(|item| (item.slug.as_str(), item.outcome == ItemOutcome::Done)).collect();
    assert_eq!(outcomes, [("ecole-1", true), ("ecole-2", true), ("ecole-3", false), ("ecole-4", true), ("ecole-5", true)]);
    assert!(items[2].error.as_ref().is_some_and(|why| !why.is_empty()) && items[2].detail.is_none(), "{:?}", items[2]);
    assert_eq!(items[0].detail.as_ref().unwrap()["people"], json!({ "pending": 1, "active": 0, "disabled": 0 }));
    assert_eq!(run.sums["people"]["pending"], 4, "sums are over those that could be counted");
    assert_eq!(run.sums["roles"]["passerelle"]["administrator"], 4);
    assert!(run.sums["size_bytes"].as_i64() > items[0].detail.as_ref().unwrap()["size_bytes"].as_i64());
}

#[tokio::test]
async fn letters_go_to_contacts_and_whoever_has_no_address_is_listed() {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let test = with_schools(3, |config| config.mail = settings).await;
    let trial = Act::Mail { letter: letter(To::Contacts), dry_run: true };
    let (run, items) = carried_out(&test, &everyone(), trial).await;
    assert_eq!((run.sums["letters"].as_i64(), run.failed, mailbox.letters().len()), (Some(2), 1, 0), "nothing is sent yet");
    assert_eq!(items[0].detail.as_ref().unwrap()["to"], json!(["contact-1@acad-test.fr"]));
    let (run, items) = carried_out(&test, &everyone(), Act::Mail { letter: letter(To::Contacts), dry_run: false }).await;
    assert_eq!((run.done, run.failed, &run.sums), (2, 1, &json!({ "letters": 2 })));
    assert!(items[2].error.as_ref().unwrap().contains("no address"), "{:?}", items[2]);
    jobs::run_due(&test.gateway, test.platform().await.context().now).await.unwrap();
    let mut to: Vec<String> = mailbox.letters().iter().map(|letter| letter.header("to").to_owned()).collect();
    to.sort();
    assert_eq!(to.len(), 2);
    assert!(
        to[0].contains("contact-1@") && to[1].contains("contact-2@") && mailbox.letters()[0].text.contains("Bonjour à toutes"),
        "{to:?}"
    );
    let (run, items) = carried_out(&test, &these(&["ecole-1"]), Act::Mail { letter: letter(To::Administrators), dry_run: true }).await;
    assert_eq!((run.failed, items[0].error.is_some()), (1, true), "its administrator has not come yet");
}

#[tokio::test]
async fn many_are_blocked_opened_and_deleted_and_the_trail_names_who_asked() {
    let test = with_schools(3, |_| {}).await;
    let platform = test.platform().await;
    let (run, items) = carried_out(&test, &these(&["ecole-1", "nowhere", "ecole-2", "ecole-1"]), Act::Block).await;
    assert_eq!((run.total, run.done, run.failed), (3, 2, 1), "each once, and one that is not there is listed");
    let ctx = test.context("ecole-1").await;
    let batch = items[0].detail.as_ref().unwrap()["batch"].as_str().unwrap().parse().unwrap();
    assert_eq!(establishments::receipt(&ctx, batch).await.unwrap().batch, batch);
    assert!(!ctx.is_open() && test.context("ecole-3").await.is_open());
    let blocked = bulk::ChosenFilter {
        status: Some(passerelle::store::registry::establishment::EstablishmentStatus::Blocked),
        ..bulk::ChosenFilter::default()
    };
    let those = Choice { filter: Some(blocked), ..Choice::default() };
    assert_eq!(those.resolve(&platform).await.unwrap(), ["ecole-1", "ecole-2"]);
    let (run, _) = carried_out(&test, &those, Act::Unblock).await;
    assert_eq!((run.done, test.context("ecole-1").await.is_open()), (2, true));
    let delete = |confirm: &str| Act::Delete { confirm: Some(confirm.to_owned()), archive: None };
    let refused = bulk::start(&platform, &these(&["ecole-1", "ecole-2"]), delete("delete 3")).await.unwrap_err().to_string();
    assert!(refused.contains("«delete 2»"), "what to type is told: {refused}");
    let (run, _) = carried_out(&test, &these(&["ecole-1", "ecole-2"]), delete("delete 2")).await;
    assert_eq!((run.done, run.failed), (2, 0));
    assert_eq!(everyone().resolve(&platform).await.unwrap(), ["ecole-3"]);
}

#[tokio::test]
async fn each_is_archived_into_a_file_of_its_own_and_one_whose_archive_fails_is_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let archives = passerelle::config::Archives {
        folder: folder.path().to_owned(),
        recipient: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_owned(),
        ..passerelle::config::Archives::default()
    };
    let test = with_schools(3, |config| config.archives = archives).await;
    let (run, items) = carried_out(&test, &everyone(), Act::Export(bulk::Closing::default())).await;
    assert_eq!((run.done, run.failed), (3, 0));
    for item in &items {
        let detail = item.detail.as_ref().unwrap();
        let written = std::fs::read(detail["file"].as_str().unwrap()).unwrap();
        assert!(written.starts_with(b"age-encryption.org/v1"));
        assert_eq!(detail["size_bytes"].as_u64(), u64::try_from(written.len()).ok());
    }
    std::fs::remove_dir_all(folder.path().join("ecole-2")).unwrap();
    std::fs::write(folder.path().join("ecole-2"), "a file and no folder").unwrap();
    let delete = Act::Delete { confirm: Some("delete 2".to_owned()), archive: Some(bulk::Closing::default()) };
    let (run, items) = carried_out(&test, &these(&["ecole-1", "ecole-2"]), delete).await;
    assert_eq!((run.done, run.failed), (1, 1));
    assert!(items[0].detail.as_ref().unwrap()["file"].is_string() && items[1].error.as_ref().unwrap().contains("ecole-2"), "{items:?}");
    assert_eq!(everyone().resolve(&test.platform().await).await.unwrap(), ["ecole-2", "ecole-3"]);
}
