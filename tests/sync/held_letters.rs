//! Letters to administrators about runs that are held.

use passerelle::services::outbox::{self, Filter, Outgoing};
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::users::{self, NewUser};
use passerelle::services::{jobs, sync};
use passerelle::store::establishment::source::Guard;
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::store::establishment::user::{self, User, UserStatus};
use passerelle::types::page::PageRequest;

use super::{EMPTY, Fed, delete, person};
use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;
use crate::harness::slapd::Slapd;

const PEOPLE: usize = 30;

fn uid(n: usize) -> String {
    format!("p{n:02}")
}

async fn school(mailbox: &Mailbox) -> Fed {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("small.ldif");
    let entries: String = (0..PEOPLE).map(|n| person(&uid(n))).collect();
    std::fs::write(&ldif, format!("{EMPTY}{entries}")).unwrap();
    let settings = mailbox.settings();
    let fed = Fed::within(Slapd::start(&ldif), TestGateway::start_with(|config| config.mail = settings).await).await;
    fed.change(|fields| fields.guard = Guard::default()).await;
    fed.sync().await;
    fed
}

async fn administrator(fed: &Fed, username: &str, locale: &str, status: UserStatus) {
    let email = Some(format!("{username}@ecole.fr"));
    let new = NewUser { username: username.to_owned(), email, locale: Some(locale.to_owned()), ..NewUser::default() };
    let made = users::create(&fed.ctx, &new).await.unwrap().0;
    let given = NewAssignment {
        user: made.id,
        application: "passerelle".to_owned(),
        role: "administrator".to_owned(),
        scope: None,
        valid_from: None,
        valid_until: None,
        reason: None,
    };
    assignments::add(&fed.ctx, &given).await.unwrap();
    let mut tx = fed.ctx.store.begin().await.unwrap();
    user::update(&mut tx, &User { status, ..made }).await.unwrap();
    tx.commit().await.unwrap();
}

async fn written(fed: &Fed) -> Vec<Outgoing> {
    let filter = Filter { topic: Some("run_held".to_owned()), ..Filter::default() };
    outbox::list(&fed.ctx, &PageRequest::first(50), &filter).await.unwrap().items
}

#[tokio::test]
async fn administrators_are_told_once_in_their_language_whatever_a_schedule_tries() {
    let mailbox = Mailbox::start().await;
    let fed = school(&mailbox).await;
    administrator(&fed, "zoe", "fr", UserStatus::Active).await;
    administrator(&fed, "tom", "en", UserStatus::Active).await;
    administrator(&fed, "gone", "en", UserStatus::Disabled).await;
    fed.slapd.modify(&(0..25).map(|n| delete(&uid(n))).collect::<String>());
    let held = fed.run(Mode::Full).await;
    assert_eq!(held.state, State::Held);
    jobs::run_due(&fed.ctx.gateway, fed.ctx.now).await.unwrap();
    let mut letters = mailbox.letters();
    letters.sort_by(|a, b| a.to.cmp(&b.to));
    let to: Vec<&str> = letters.iter().map(|letter| letter.to[0].as_str()).collect();
    assert_eq!(to, ["tom@ecole.fr", "zoe@ecole.fr"]);
    assert_eq!(letters[1].header("subject"), "Lycée Louise Michel : la synchronisation « ldap » attend votre décision");
    for (letter, counted) in letters.iter().zip(["disabled \u{2068}25\u{2069} people", "désactivé 25 personnes"]) {
        let text = &letter.text;
        let plain = text.replace(['\u{2068}', '\u{2069}'], "");
        assert!(plain.contains(&counted.replace(['\u{2068}', '\u{2069}'], "")), "{text}");
        assert!(plain.contains("- p00\n") && plain.contains("- p19\n") && !plain.contains("- p20") && plain.contains(" 5 "), "{text}");
        assert!(plain.contains(&format!("passerelle source run {} {} --approve", fed.ctx.slug(), held.id)), "{text}");
        assert!(plain.contains(&format!("/api/v1/establishments/{}/runs/{}", fed.ctx.slug(), held.id)), "{text}");
    }

    // Tried again and held for the same, and refused and held for the same: nobody is told twice.
    assert_eq!(fed.run(Mode::Full).await.state, State::Held);
    sync::refuse(&fed.ctx, held.id).await.unwrap();
    assert_eq!(fed.run(Mode::Full).await.state, State::Held);
    assert_eq!(written(&fed).await.len(), 2);
    // A preview is for whoever asked for it.
    assert_eq!(fed.run(Mode::Preview).await.state, State::Done);
    assert_eq!(written(&fed).await.len(), 2);
    // One more, and they are told of that.
    fed.slapd.modify(&delete(&uid(25)));
    assert_eq!(fed.run(Mode::Full).await.state, State::Held);
    assert_eq!(written(&fed).await.len(), 4);
}

#[tokio::test]
async fn a_run_is_held_as_well_where_nobody_can_be_told() {
    let mailbox = Mailbox::start().await;
    let fed = school(&mailbox).await;
    fed.slapd.modify(&(0..25).map(|n| delete(&uid(n))).collect::<String>());
    assert_eq!(fed.run(Mode::Full).await.state, State::Held);
    assert_eq!(written(&fed).await.len(), 0);
}
