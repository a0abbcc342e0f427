//! Establishments: made with a store and a first administrator of their own.

use passerelle::services::error::Error;
use passerelle::services::establishments::{self, NewContact, NewEstablishment};
use passerelle::services::{links, users};
use passerelle::store::establishment::user::{Filter, UserStatus};
use passerelle::store::registry::establishment::Filter as EstablishmentFilter;
use passerelle::store::registry::zone::Zone;
use passerelle::types::page::PageRequest;

use crate::harness::gateway::{PASSWORD, TestGateway, secret};

fn jaures() -> NewEstablishment {
    NewEstablishment {
        name: "Collège Jean Jaurès".to_owned(),
        uai: Some("0991000z".to_owned()),
        locality: Some("14500 Évrecy".to_owned()),
        contact: NewContact {
            family_name: Some("Lefèvre".to_owned()),
            given_name: Some("Élodie".to_owned()),
            email: Some("elodie.lefevre@acad-test.fr".to_owned()),
        },
        ..NewEstablishment::default()
    }
}

#[tokio::test]
async fn creating_one_gives_its_first_administrator_a_link_that_works_once() {
    let test = TestGateway::start().await;
    let mut new = jaures();
    new.uai = None;
    let created = establishments::create(&test.platform().await, &new).await.unwrap();
    assert_eq!((created.establishment.slug.as_str(), created.establishment.number), ("college-jean-jaures", 1));
    let ctx = test.context("college-jean-jaures").await;
    let link = created.link.as_ref().unwrap();
    let url = link.url.expose();
    assert!(url.starts_with(&format!("{}/e/college-jean-jaures/invitation/", test.gateway.public_url)));
    let token = url.rsplit('/').next().unwrap();
    let weak = links::choose_password(&ctx, token, secret("court")).await;
    assert!(matches!(weak, Err(Error::Invalid(_))));
    let person = links::choose_password(&ctx, token, secret(PASSWORD)).await.unwrap();
    assert_eq!(person.status, UserStatus::Active);
    let again = links::choose_password(&ctx, token, secret(PASSWORD)).await;
    assert!(matches!(again, Err(Error::NotFound(_))));
    let everyone = users::list(&ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(everyone.total, 1);
}

#[tokio::test]
async fn wrong_letters_and_taken_names_are_refused_with_the_reason() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let mut wrong = jaures();
    wrong.uai = Some("0991000A".to_owned());
    wrong.contact.email = Some("nobody".to_owned());
    let refused = establishments::create(&platform, &wrong).await.unwrap_err();
    let Error::Invalid(fields) = &refused else { panic!("{refused}") };
    assert_eq!(fields.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), ["uai", "contact.email"]);
    let mut right = jaures();
    right.uai = None;
    establishments::create(&platform, &right).await.unwrap();
    let taken = establishments::create(&platform, &right).await.unwrap_err();
    assert!(taken.to_string().contains("college-jean-jaures"), "{taken}");
    right.slug = Some("autre".to_owned());
    right.zone = Some("nulle-part".to_owned());
    assert!(establishments::create(&platform, &right).await.unwrap_err().to_string().contains("nulle-part"));
    let listed = establishments::list(&platform, &PageRequest::first(10), &EstablishmentFilter::default()).await.unwrap();
    assert_eq!(listed.total, 1);
}

#[tokio::test]
async fn every_field_that_does_not_fit_is_told_at_once_and_nothing_else() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let fields = async |wrong: &NewEstablishment| match establishments::create(&platform, wrong).await {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let wrong = NewEstablishment { uai: Some("0991000A".to_owned()), zone: Some("nulle-part".to_owned()), ..jaures() };
    assert_eq!(fields(&wrong).await, ["uai", "zone"]);
    let nameless = NewEstablishment { name: "  ".to_owned(), uai: None, ..jaures() };
    assert_eq!(fields(&nameless).await, ["name"]);
    let unspeakable = NewEstablishment { name: "!!!".to_owned(), uai: None, ..jaures() };
    assert_eq!(fields(&unspeakable).await, ["slug"], "the name is fine, and a slug has to be given");
}

#[tokio::test]
async fn a_zone_in_use_stays_and_is_told_with_how_many_lie_in_it() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    establishments::save_zone(&platform, &Zone { name: "caen".to_owned(), title: "Académie de Caen".to_owned() }).await.unwrap();
    let unknown = NewEstablishment { uai: None, zone: Some("cean".to_owned()), ..jaures() };
    let told = establishments::create(&platform, &unknown).await.unwrap_err().to_string();
    assert!(told.contains("«cean»") && told.contains("there are: caen") && !told.contains("/api"), "{told}");
    establishments::create(&platform, &NewEstablishment { zone: Some("caen".to_owned()), ..unknown }).await.unwrap();
    let refused = establishments::delete_zone(&platform, "caen").await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict(told) if told.contains("«caen»: 1;")), "{refused}");
}
