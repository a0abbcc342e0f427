//! Tests of: the directory's binds, searches and pages.

use std::collections::BTreeSet;

use anyhow::Result;
use ldap3_proto::proto::{LdapBindCred, LdapResultCode as Code, LdapSearchScope as Scope, SaslCredentials};
use passerelle::demo::directory::{Directory, Limits};
use passerelle::demo::people::{BASE_DN, ESTABLISHMENTS, password_of};
use tokio::net::TcpListener;

use super::wire::{Client, SERVICE_DN, SERVICE_PASSWORD, account, generated, page, request, values};

const PEOPLE: &str = "(objectClass=inetOrgPerson)";

#[tokio::test]
async fn binds_tell_right_from_wrong_and_nothing_more() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::connect(&directory).await?;
    let school = &ESTABLISHMENTS[0];
    let teacher = school.person_dn(school.teacher.uid);
    assert_eq!(client.bind(&teacher, &school.teacher.password()).await?, Code::Success);
    assert_eq!(client.bind(&teacher.to_uppercase().replace(',', " , "), &school.teacher.password()).await?, Code::Success);
    assert_eq!(client.bind(&teacher, "Essai-autre").await?, Code::InvalidCredentials);
    assert_eq!(client.bind(&school.person_dn("personne"), "Essai-personne").await?, Code::InvalidCredentials);
    assert_eq!(client.bind(&school.groups_dn(), "x").await?, Code::InvalidCredentials);
    assert_eq!(client.bind(SERVICE_DN, "wrong").await?, Code::InvalidCredentials);
    assert_eq!(client.bind(&teacher, "").await?, Code::UnwillingToPerform);
    assert_eq!(client.bind("not a name", "x").await?, Code::InvalidDNSyntax);
    assert_eq!(client.bind("", "").await?, Code::Success);
    let password = || LdapBindCred::Simple(SERVICE_PASSWORD.to_owned());
    assert_eq!(client.bind_by(2, SERVICE_DN, password()).await?, Code::ProtocolError);
    let external = LdapBindCred::SASL(SaslCredentials { mechanism: "EXTERNAL".to_owned(), credentials: Vec::new() });
    assert_eq!(client.bind_by(3, "", external).await?, Code::AuthMethodNotSupported);
    Ok(())
}

#[tokio::test]
async fn strangers_see_the_root_dse_only() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::connect(&directory).await?;
    let dse = client.search_with(request("", Scope::Base, "(objectClass=*)", &["+"])?, Vec::new()).await?;
    assert_eq!(values(&dse.entries[0], "namingContexts"), [BASE_DN]);
    assert_eq!(values(&dse.entries[0], "supportedControl"), ["1.2.840.113556.1.4.319"]);
    let refused = client.search(BASE_DN, PEOPLE, &[]).await?;
    assert_eq!((refused.result.code, refused.entries.len()), (Code::InsufficentAccessRights, 0));
    // A failed bind makes a stranger of who was bound before.
    client.bind(SERVICE_DN, SERVICE_PASSWORD).await?;
    client.bind(SERVICE_DN, "wrong").await?;
    assert_eq!(client.search(BASE_DN, PEOPLE, &[]).await?.result.code, Code::InsufficentAccessRights);
    Ok(())
}

#[tokio::test]
async fn people_see_their_own_entry_and_passwords_are_seen_by_nobody() -> Result<()> {
    let directory = generated().await?;
    let school = &ESTABLISHMENTS[1];
    let pupil = school.person_dn(school.pupil.uid);
    let mut client = Client::connect(&directory).await?;
    client.bind(&pupil, &password_of(school.pupil.uid)).await?;
    assert_eq!(client.search(BASE_DN, "(objectClass=*)", &[]).await?.names(), [pupil.as_str()]);
    assert_eq!(client.search(&school.groups_dn(), "(objectClass=*)", &[]).await?.result.code, Code::NoSuchObject);
    let mut service = Client::service(&directory).await?;
    let own = service.search(&pupil, "(objectClass=*)", &["*", "+", "userPassword"]).await?;
    assert!(values(&own.entries[0], "userPassword").is_empty() && !values(&own.entries[0], "entryUUID").is_empty());
    for guess in ["(userPassword=*)", "(userPassword=Essai*)", "(!(userPassword=x))", "(userPassword>=A)"] {
        assert_eq!(service.search(BASE_DN, guess, &[]).await?.entries.len(), 0, "{guess}");
    }
    Ok(())
}

#[tokio::test]
async fn service_account_of_one_establishment_sees_no_other() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let accounts: Result<Vec<_>> = ESTABLISHMENTS.iter().map(|e| account(&e.bind_dn(), &e.base_dn())).collect();
    let entries = passerelle::demo::people::generate(120)?;
    let directory = Directory::start(listener, entries, accounts?, Limits::default())?;
    let (mine, other) = (&ESTABLISHMENTS[2], &ESTABLISHMENTS[0]);
    let mut client = Client::connect(&directory).await?;
    assert_eq!(client.bind(&mine.bind_dn(), SERVICE_PASSWORD).await?, Code::Success);
    let seen = client.search(BASE_DN, PEOPLE, &["uid"]).await?;
    assert!(seen.entries.len() > 20 && seen.names().iter().all(|dn| dn.ends_with(&mine.base_dn())));
    assert_eq!(client.search(&other.base_dn(), PEOPLE, &[]).await?.result.code, Code::NoSuchObject);
    Ok(())
}

#[tokio::test]
async fn pages_hold_every_entry_once() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let whole = client.search(BASE_DN, PEOPLE, &["uid"]).await?;
    assert_eq!((whole.entries.len(), whole.cookie.is_none()), (200, true));
    let (mut seen, mut cookie, mut pages) = (Vec::new(), Vec::new(), 0);
    loop {
        let found = client.search_with(request(BASE_DN, Scope::Subtree, PEOPLE, &["uid"])?, page(40, &cookie)).await?;
        assert_eq!((found.result.code.clone(), found.entries.len()), (Code::Success, 40));
        seen.extend(found.names().into_iter().map(str::to_owned));
        pages += 1;
        cookie = found.cookie.unwrap_or_default();
        if cookie.is_empty() {
            break;
        }
    }
    assert_eq!((pages, seen.iter().collect::<BTreeSet<_>>().len()), (5, 200));
    Ok(())
}

#[tokio::test]
async fn cookie_serves_once_on_its_connection_for_its_search() -> Result<()> {
    let directory = generated().await?;
    let (mut client, mut other) = (Client::service(&directory).await?, Client::service(&directory).await?);
    let wanted = || request(BASE_DN, Scope::Subtree, PEOPLE, &["uid"]);
    let cookie = client.search_with(wanted()?, page(10, b"")).await?.cookie.unwrap_or_default();
    let elsewhere = other.search_with(wanted()?, page(10, &cookie)).await?;
    assert_eq!((elsewhere.result.code, elsewhere.entries.len()), (Code::UnwillingToPerform, 0));
    assert_eq!(client.search_with(wanted()?, page(10, &cookie)).await?.entries.len(), 10);
    assert_eq!(client.search_with(wanted()?, page(10, &cookie)).await?.result.code, Code::UnwillingToPerform);
    let cookie = client.search_with(wanted()?, page(10, b"")).await?.cookie.unwrap_or_default();
    let changed = request(BASE_DN, Scope::Subtree, "(uid=*)", &["uid"])?;
    assert_eq!(client.search_with(changed, page(10, &cookie)).await?.result.code, Code::UnwillingToPerform);
    let cookie = client.search_with(wanted()?, page(10, b"")).await?.cookie.unwrap_or_default();
    let ended = client.search_with(wanted()?, page(0, &cookie)).await?;
    assert_eq!((ended.result.code, ended.entries.len(), ended.cookie), (Code::Success, 0, Some(Vec::new())));
    Ok(())
}

#[tokio::test]
async fn size_limit_is_told_and_holds_over_pages() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let mut wanted = request(BASE_DN, Scope::Subtree, PEOPLE, &["uid"])?;
    wanted.sizelimit = 15;
    let found = client.search_with(wanted.clone(), Vec::new()).await?;
    assert_eq!((found.result.code, found.entries.len()), (Code::SizeLimitExceeded, 15));
    let first = client.search_with(wanted.clone(), page(10, b"")).await?;
    let second = client.search_with(wanted.clone(), page(10, &first.cookie.unwrap_or_default())).await?;
    assert_eq!((first.entries.len(), second.entries.len(), second.result.code), (10, 5, Code::SizeLimitExceeded));
    wanted.sizelimit = 200;
    assert_eq!(client.search_with(wanted, Vec::new()).await?.result.code, Code::Success);
    Ok(())
}

#[tokio::test]
async fn missing_base_names_the_nearest_entry_above() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let school = &ESTABLISHMENTS[0];
    let found = client.search(&format!("uid=x,ou=nowhere,{}", school.base_dn()), PEOPLE, &[]).await?;
    assert_eq!((found.result.code, found.result.matcheddn), (Code::NoSuchObject, school.base_dn()));
    assert_eq!(client.search("dc=elsewhere", PEOPLE, &[]).await?.result.code, Code::NoSuchObject);
    assert_eq!(client.search("no name", PEOPLE, &[]).await?.result.code, Code::InvalidDNSyntax);
    Ok(())
}

#[tokio::test]
async fn scopes_and_attributes_are_as_asked() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let school = &ESTABLISHMENTS[0];
    for (scope, expected) in [(Scope::Base, 1), (Scope::OneLevel, 3), (Scope::Children, directory.entry_count() - 1)] {
        let found = client.search_with(request(BASE_DN, scope.clone(), "(objectClass=*)", &["1.1"])?, Vec::new()).await?;
        assert_eq!(found.entries.len(), expected, "{scope:?}");
        assert!(found.entries.iter().all(|e| e.attributes.is_empty()));
    }
    let teacher = school.person_dn(school.teacher.uid);
    let shown = |found: super::wire::Found| found.entries[0].attributes.iter().map(|a| a.atype.clone()).collect::<Vec<_>>();
    assert_eq!(shown(client.search(&teacher, "(uid=*)", &["GIVENNAME", "commonName", "none"]).await?), ["cn", "givenName"]);
    let everything = shown(client.search(&teacher, "(uid=*)", &["*", "+"]).await?);
    assert!(everything.iter().any(|a| a == "mail") && everything.iter().any(|a| a == "modifyTimestamp"));
    assert!(!shown(client.search(&teacher, "(uid=*)", &[]).await?).iter().any(|a| a == "entryUUID"));
    let mut types = request(&teacher, Scope::Base, "(uid=*)", &["mail"])?;
    types.typesonly = true;
    let found = client.search_with(types, Vec::new()).await?;
    assert!(found.entries[0].attributes.len() == 1 && found.entries[0].attributes[0].vals.is_empty());
    Ok(())
}
