//! What Active Directory says with a refused bind, told to whoever typed a right password and to nobody else.

use passerelle::services::sources::{SourceFields, create};
use passerelle::services::sync;
use passerelle::store::establishment::source::{Guard, SourceKind};
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::types::leaving::Leaving;
use passerelle::types::matching::Matching;
use serde_json::json;

use crate::connectors::controller::{BASE, Controller, READER, RIGHT, Running};
use crate::harness::relying_party::{Agent, Reply};
use crate::harness::server::{Place, TestServer};

/// An establishment fed by a controller of one person, `p1`.
async fn stage() -> (TestServer, Place, Running) {
    let running = Running::start(Controller::with(1)).await;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Louise Michel").await;
    let settings =
        json!({"urls": [running.url], "bind_dn": READER.0, "bind_password": READER.1, "base_dn": BASE, "profile": "active-directory"});
    let guard = Guard::default();
    let leaving = Leaving::default();
    let fields = SourceFields {
        name: "ad".into(),
        kind: SourceKind::Ldap,
        settings,
        schedule: None,
        guard,
        leaving,
        matching: Matching::default(),
        route: None,
        enabled: true,
    };
    create(&place.ctx, &fields).await.unwrap();
    let run = sync::run_to_end(&place.ctx, "ad", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.counts.created), (State::Done, 1), "{:?}", run.error);
    (server, place, running)
}

async fn attempt(place: &Place, username: &str, password: &str) -> Reply {
    let mut agent = Agent::new(place);
    let page = agent.open(&format!("{}/login?ui_locales=en", place.issuer())).await;
    let reply = agent.submit(&page, &[("username", username), ("password", password)]).await;
    assert!(agent.session(place).is_none(), "nobody is signed in");
    reply
}

/// The sentence that the page says.
fn sentence(reply: &Reply) -> &str {
    let (_, rest) = reply.text.split_once("<p class=\"notice-title\">").unwrap();
    let (_, rest) = rest.split_once("<p>").unwrap();
    rest.split_once("</p>").unwrap().0
}

#[tokio::test]
async fn whoever_knows_the_password_learns_why_it_does_not_open() {
    let (_server, place, running) = stage().await;
    for (says, told) in [
        ("533", "is disabled"),
        ("701", "account in your establishment’s directory has expired"),
        ("532", "but it has expired"),
        ("773", "has to be changed before its first use"),
        ("530", "at this hour or from here"),
        ("531", "at this hour or from here"),
    ] {
        running.change(|controller| controller.says = says);
        let reply = attempt(&place, "p1", RIGHT).await;
        assert_eq!(reply.status, 403, "{says}");
        assert!(sentence(&reply).starts_with("Your password is right") && sentence(&reply).contains(told), "{says}: {}", sentence(&reply));
    }
}

#[tokio::test]
async fn nobody_else_learns_anything() {
    let (_server, place, running) = stage().await;
    let of_nobody = attempt(&place, "nobody", RIGHT).await;
    // A locked account is told whatever was typed, and a wrong password of anybody alike.
    for (says, says_of_wrong, typed) in
        [("", "52e", "wrong"), ("775", "775", "wrong"), ("775", "775", RIGHT), ("533", "52e", "wrong"), ("525", "525", RIGHT)]
    {
        running.change(|controller| (controller.says, controller.says_of_wrong) = (says, says_of_wrong));
        let reply = attempt(&place, "p1", typed).await;
        assert_eq!((reply.status.as_u16(), sentence(&reply)), (401, sentence(&of_nobody)), "{says} {says_of_wrong}");
    }
    // Another entry stands where the person's was: the reason is about somebody else.
    running.change(|controller| {
        controller.says = "533";
        controller.people[0].key = 7;
    });
    let reply = attempt(&place, "p1", RIGHT).await;
    assert_eq!((reply.status.as_u16(), sentence(&reply)), (401, sentence(&of_nobody)));
}
