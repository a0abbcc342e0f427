//! Fields of people that come from elsewhere than usual, by a feed's own mapping.

use passerelle::services::error::Error;
use passerelle::services::scim::feeds::Feed;
use passerelle::services::scim::resources::{self, Asked};
use passerelle::services::scim::schema::Kind;
use passerelle::services::sources::{self, SourceFields, shown};
use passerelle::services::units;
use passerelle::store::establishment::unit;
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{Fed, feed, object, person};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn body(username: &str) -> Value {
    let mut body = person(username);
    body[ENTERPRISE] = json!({ "department": "Chimie", "division": "GEA", "costCenter": "0751717J" });
    body["addresses"] = json!([{ "type": "work", "locality": "Évrecy" }]);
    body["title"] = json!("Maître");
    body
}

async fn map(fed: &Fed, mapping: Value) -> Result<Feed, Error> {
    let standing = sources::get(&fed.ctx, "entra").await?;
    let mut fields = SourceFields::from(&standing);
    fields.settings = json!({ "mapping": mapping });
    // Later than what was pushed: instants are kept to the second.
    let later = passerelle::services::context::Context { now: fed.ctx.now.plus_s(10), ..fed.ctx.clone() };
    let source = sources::update(&later, &standing, &fields).await?;
    Ok(Feed::of(&fed.ctx, source, fed.feed.token))
}

#[tokio::test]
async fn people_are_who_the_mapping_says() {
    let fed = Fed::new().await;
    let mapped = map(
        &fed,
        json!({ "units": format!("{ENTERPRISE}:division"), "uai": format!("{ENTERPRISE}:costCenter"),
            "town": "addresses[type eq \"work\"].locality", "title": "", "display_name": "{name.familyName} {name.givenName}" }),
    )
    .await
    .unwrap();
    let made = resources::create(&mapped, Kind::User, object(body("lea")), Asked::default().with).await.unwrap();
    let lea = fed.person("lea").await;
    assert_eq!(
        (lea.display_name.as_str(), lea.home_unit.as_deref(), lea.units.as_slice()),
        ("Lefèvre Élodie", Some("GEA"), &["GEA".to_owned()][..])
    );
    let attribute = |name: &str| lea.attributes.get(name).map(|values| values.join(","));
    assert_eq!((attribute("uai").as_deref(), attribute("town").as_deref(), attribute("title")), (Some("0751717J"), Some("Évrecy"), None));
    assert_eq!(
        (made.resource["title"].as_str(), made.resource.get("displayName")),
        (Some("Maître"), None),
        "the feed reads what it said itself"
    );
    let known = units::list(&fed.ctx, &PageRequest::first(50), &unit::Filter::default()).await.unwrap().items;
    assert!(known.iter().any(|unit| unit.name == "GEA"), "a unit of the establishment");
}

#[tokio::test]
async fn the_same_words_mean_something_else_once_the_mapping_changed() {
    let fed = Fed::new().await;
    let made = fed.user(body("lea")).await.unwrap();
    assert_eq!(fed.person("lea").await.home_unit.as_deref(), Some("Chimie"));
    let mapped = map(&fed, json!({ "units": format!("{ENTERPRISE}:division") })).await.unwrap();
    assert_eq!(fed.person("lea").await.home_unit.as_deref(), Some("Chimie"), "nothing changes before the feed speaks");
    let id = made.id.to_string();
    let again = resources::replace(&mapped, Kind::User, &id, object(body("lea")), None, Asked::default().with).await.unwrap();
    assert_eq!((fed.person("lea").await.home_unit.as_deref(), again.rev), (Some("GEA"), made.rev));
    let usual = map(&fed, json!({})).await.unwrap();
    resources::replace(&usual, Kind::User, &id, object(body("lea")), None, Asked::default().with).await.unwrap();
    assert_eq!(fed.person("lea").await.home_unit.as_deref(), Some("Chimie"));
}

#[tokio::test]
async fn what_cannot_be_mapped_is_refused_and_what_can_be_is_shown() {
    let fed = Fed::new().await;
    for (mapping, field) in [
        (json!({ "username": "emails" }), "settings.mapping.username"),
        (json!({ "external_id": "id" }), "settings.mapping.external_id"),
        (json!({ "town": "addresses[" }), "settings.mapping.town"),
        (json!({ "town": 3 }), "settings.mapping.town"),
        (json!("town"), "settings.mapping"),
    ] {
        let Err(Error::Invalid(wrong)) = map(&fed, mapping.clone()).await else { panic!("{mapping} was taken") };
        assert_eq!(wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), [field], "{mapping}");
    }
    let other: SourceFields =
        serde_json::from_value(json!({ "name": "okta", "kind": "scim", "settings": { "page_size": 10, "mapping": {} } })).unwrap();
    let Err(Error::Invalid(wrong)) = sources::create(&fed.ctx, &other).await else { panic!("a feed has no pages") };
    assert_eq!(wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["settings.page_size"]);
    let second = feed(&fed.ctx, "google", &json!({ "settings": { "mapping": { "town": "addresses.locality" } } })).await;
    assert_eq!(shown(&second.source)["settings"]["mapping"]["town"], "addresses.locality");
}
