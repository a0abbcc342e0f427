//! A directory and a SCIM feed that state the same people: whose word counts, and who goes when. Each alone is tried elsewhere.

use passerelle::services::context::{Actor, Context};
use passerelle::services::scim::change::{Stored, With};
use passerelle::services::scim::feeds::{Feed, authenticate};
use passerelle::services::scim::patch;
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::{Kind, USER_URN};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::tokens;
use passerelle::store::establishment::user::UserStatus;
use serde_json::{Value, json};

use super::{Fed, delete, dn};
use crate::harness::scim_client::PATCH;

/// A feed that knows the directory's people by their user names, with more of a matching.
async fn feed(ctx: &Context, more: &Value) -> Feed {
    let mut matching = json!({ "anchor": { "username": "username" } });
    matching.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let fields = json!({ "name": "entra", "kind": "scim", "settings": {}, "matching": matching });
    sources::create(ctx, &serde_json::from_value::<SourceFields>(fields).unwrap()).await.unwrap();
    let new = serde_json::from_value(json!({ "name": "Entra ID", "kind": "scim", "source": "entra" })).unwrap();
    let (_, secret) = tokens::create(ctx, &new).await.unwrap();
    authenticate(&Context { actor: Actor::Anonymous, ..ctx.clone() }, secret.expose()).await.unwrap()
}

async fn push(feed: &Feed) -> Stored {
    let body = json!({
        "schemas": [USER_URN], "userName": "LEA", "externalId": "École-Jean 1", "displayName": "Léa E.", "title": "Maîtresse",
        "emails": [{ "value": "lea@entra.example", "primary": true }],
    });
    resources::create(feed, Kind::User, body.as_object().unwrap().clone(), With::USUAL).await.unwrap()
}

async fn patched(feed: &Feed, one: &Stored, operation: Value) {
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    let ops = patch::parse(body.as_object().unwrap()).unwrap();
    resources::patch(feed, Kind::User, &one.id.to_string(), ops, None, With::USUAL).await.unwrap();
}

#[tokio::test]
async fn each_field_comes_from_whoever_has_the_word_whoever_spoke_last() {
    let fed = Fed::with_people(&["lea", "paul"]).await;
    fed.sync().await;
    let before = fed.user("lea").await;
    let entra = feed(&fed.ctx, &json!({ "authority": ["email"] })).await;
    let pushed = push(&entra).await;
    assert_eq!(pushed.id, before.id.uuid(), "she is known by her user name");
    let expect = async |email: &str, name: &str, title: &str| {
        let lea = fed.user("lea").await;
        let told = (lea.email.as_deref(), lea.display_name.as_str(), lea.attributes["title"][0].as_str());
        assert_eq!(told, (Some(email), name, title));
    };
    expect("lea@entra.example", "lea", "Maîtresse").await;
    // The directory changes what it may not decide, and what it may.
    let change = |line: &str| format!("dn: {}\nchangetype: modify\n{line}\n\n", dn("lea"));
    fed.slapd.modify(&change("replace: mail\nmail: other@acad-test.fr\n-\nreplace: cn\ncn: Léa Martin"));
    fed.sync().await;
    expect("lea@entra.example", "Léa Martin", "Maîtresse").await;
    // So does the feed.
    patched(&entra, &pushed, json!({ "op": "replace", "path": "displayName", "value": "L. E." })).await;
    patched(&entra, &pushed, json!({ "op": "replace", "path": "title", "value": "Directrice" })).await;
    expect("lea@entra.example", "Léa Martin", "Directrice").await;
    let read = resources::read(&entra, Kind::User, &pushed.id.to_string(), With::USUAL).await.unwrap();
    assert_eq!(read.resource["displayName"], "L. E.", "the feed reads what it said");
    // What the feed says no more comes from the directory; another order of the two turns it round.
    patched(&entra, &pushed, json!({ "op": "remove", "path": "emails" })).await;
    expect("other@acad-test.fr", "Léa Martin", "Directrice").await;
    fed.change(|fields| fields.matching.priority = 5).await;
    fed.sync().await;
    expect("other@acad-test.fr", "L. E.", "Directrice").await;
}

#[tokio::test]
async fn whoever_is_gone_from_one_stays_while_the_other_states_them() {
    let fed = Fed::with_people(&["lea", "paul"]).await;
    fed.sync().await;
    let entra = feed(&fed.ctx, &json!({})).await;
    let pushed = push(&entra).await;
    fed.slapd.modify(&delete("lea"));
    assert_eq!(fed.sync().await.counts.disabled, 0);
    assert_eq!(fed.user("lea").await.status, UserStatus::Active);
    patched(&entra, &pushed, json!({ "op": "replace", "path": "active", "value": false })).await;
    assert_eq!(fed.user("lea").await.status, UserStatus::Disabled);
    patched(&entra, &pushed, json!({ "op": "replace", "path": "active", "value": true })).await;
    assert_eq!(fed.user("lea").await.status, UserStatus::Active);
    resources::remove(&entra, Kind::User, &pushed.id.to_string(), None).await.unwrap();
    let gone = fed.user("lea").await;
    assert_eq!((gone.status, gone.id.uuid()), (UserStatus::Disabled, pushed.id), "nobody states her any more");
    // The feed brings her back as who she was.
    assert_eq!(push(&entra).await.id, pushed.id);
    assert_eq!(fed.user("lea").await.status, UserStatus::Active);
}
