//! Tests of: what the demo is once everything answers, what it prints, and what it refuses.

use passerelle::demo::folder::Folder;
use passerelle::demo::printed;
use passerelle::demo::run::{Demo, Wishes};
use passerelle::types::locale::Locale;
use serde_json::Value;

use crate::harness::demo::{INSTITUTE, config, start, start_in, wishes};

/// One answer of the admin API.
async fn api(demo: &Demo, path: &str) -> Value {
    let address = format!("{}/api/v1/{path}", demo.public_url);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(&address).bearer_auth(demo.platform.api_token.expose()).send().await.unwrap();
    assert!(answer.status().is_success(), "{address}: {}", answer.status());
    answer.json().await.unwrap()
}

#[tokio::test]
async fn the_line_for_scripts_has_every_name_of_the_contract() {
    let further = "http://127.0.0.1:9/callback".to_owned();
    let demo = start(&Wishes { redirect_uris: vec![further.clone()], ..wishes() }).await;
    let line = printed::line(&demo);
    assert!(!line.to_string().contains('\n'));
    for key in ["public_url", "api_token", "mail_tray"] {
        assert!(line[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert!(line["operator"]["username"].is_string() && line["operator"]["password"].is_string());
    let establishments = line["establishments"].as_array().unwrap();
    assert_eq!(establishments.len(), 3);
    for one in establishments {
        let slug = one["slug"].as_str().unwrap();
        assert_eq!(one["issuer"], format!("{}/e/{slug}", demo.public_url));
        let (base_url, token) = (one["scim"]["base_url"].as_str().unwrap(), one["scim"]["token"].as_str().unwrap());
        assert_eq!(base_url, format!("{}/scim/v2", one["issuer"].as_str().unwrap()));
        let list = reqwest::Client::new().get(format!("{base_url}/Users?count=1")).bearer_auth(token).send().await.unwrap();
        assert_eq!(list.status(), 200, "{slug}: the feed answers");
        let list: Value = list.json().await.unwrap();
        // What Okta's test of a service wants of the first person.
        let first = &list["Resources"][0];
        for key in ["id", "userName", "active", "name", "emails", "schemas", "meta"] {
            assert!(!first[key].is_null(), "{slug}: {key}");
        }
        assert!(first["active"].is_boolean() && first["emails"][0]["value"].is_string(), "{slug}: {first:#}");
        for (what, key) in [("admin", "username"), ("admin", "password"), ("person", "username"), ("person", "password")] {
            assert!(one[what][key].is_string(), "{slug}: {what}.{key}");
        }
        for key in ["url", "bind_dn", "bind_password", "base_dn"] {
            assert!(one["directory"][key].is_string(), "{slug}: directory.{key}");
        }
        let uris = one["client"]["redirect_uris"].as_array().unwrap();
        assert!(uris.len() == 2 && uris.contains(&further.as_str().into()), "{uris:?}");
        assert!(one["client"]["client_id"].is_string() && one["client"]["client_secret"].is_string());
    }
    assert_eq!(api(&demo, "establishments").await["total"], 3);
    let people = api(&demo, &format!("establishments/{}/users?username={}", INSTITUTE.slug, INSTITUTE.teacher.uid)).await;
    assert_eq!(people["items"][0]["display_name"], INSTITUTE.teacher.display_name());
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn the_welcome_tells_where_to_go_and_who_to_be_in_both_languages() {
    let demo = start(&wishes()).await;
    for locale in Locale::ALL {
        let text = printed::welcome(&demo, locale);
        for wanted in [demo.sample_url.as_str(), demo.public_url.as_str(), "/directory", "amuller", "Essai-amuller", "operateur", "Ctrl-C"]
        {
            assert!(text.contains(wanted), "{wanted} is not in {text}");
        }
        assert!(!text.contains('⟦'), "{text}");
    }
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn a_demo_started_again_on_its_folder_finds_everyone_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("establishments/{}/users?username={}", INSTITUTE.slug, INSTITUTE.teacher.uid);
    let first = start_in(folder.path()).await;
    let before = api(&first, &path).await["items"][0]["id"].clone();
    let old_token = first.platform.api_token.expose().to_owned();
    first.stop().await.unwrap();

    let second = start_in(folder.path()).await;
    assert_eq!(api(&second, &path).await["items"][0]["id"], before);
    assert_eq!(api(&second, "establishments").await["total"], 3);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = client.get(format!("{}/api/v1/establishments", second.public_url)).bearer_auth(old_token).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401, "the token of the start before still works");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn the_temporary_folder_goes_when_the_demo_stops() {
    let demo = start(&wishes()).await;
    let path = demo.folder().path().to_owned();
    assert!(matches!(demo.folder(), Folder::Temporary(_)) && path.is_dir());
    demo.stop().await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_a_way_out() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let refused = Demo::start(config(), &Wishes { listen: address, ..wishes() }).await.unwrap_err().to_string();
    assert!(refused.contains(&address.to_string()) && refused.contains("--listen"), "{refused}");
}

#[tokio::test]
async fn wishes_that_cannot_be_are_refused_before_anything_starts() {
    let uri = Wishes { redirect_uris: vec!["http://app.example.fr/callback".to_owned()], ..wishes() };
    let elsewhere = Wishes { listen: "192.0.2.1:8080".parse().unwrap(), ..wishes() };
    let nobody = Wishes { people: 1, ..wishes() };
    let no_file = Wishes { ldif: Some("no-such-file.ldif".into()), ..wishes() };
    for (wish, wanted) in [(uri, "--redirect-uri"), (elsewhere, "127.0.0.1"), (nobody, "60"), (no_file, "no-such-file.ldif")] {
        let refused = format!("{:#}", Demo::start(config(), &wish).await.unwrap_err());
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[tokio::test]
async fn a_directory_of_ones_own_becomes_an_establishment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.ldif");
    let text = "dn: dc=ecole,dc=fr\nobjectClass: dcObject\nobjectClass: organization\ndc: ecole\no: École du Bois\n\n\
        dn: uid=zoe,dc=ecole,dc=fr\nobjectClass: inetOrgPerson\nuid: zoe\ncn: Zoé Petit\nsn: Petit\ngivenName: Zoé\nuserPassword: Essai-zoe\n\n\
        dn: cn=ens-RT,dc=ecole,dc=fr\nobjectClass: groupOfNames\ncn: ens-RT\nmember: uid=zoe,dc=ecole,dc=fr\n";
    std::fs::write(&file, text).unwrap();
    let demo = start(&Wishes { ldif: Some(file), ..wishes() }).await;
    let line = printed::line(&demo);
    let one = &line["establishments"][0];
    assert_eq!((&one["slug"], &one["person"]["username"]), (&"ecole-du-bois".into(), &"zoe".into()));
    assert!(one["admin"]["password"].is_string());
    let roles = api(&demo, "establishments/ecole-du-bois/assignments?application=scodoc").await;
    assert_eq!((&roles["items"][0]["role"], &roles["items"][0]["scope"]), (&"Ens".into(), &"RT".into()));
    demo.stop().await.unwrap();
}
