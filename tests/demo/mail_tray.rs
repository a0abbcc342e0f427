//! Tests of: the demo's mail tray, which takes every letter of the gateway and shows it to people and to scripts.

use passerelle::demo::run::Demo;
use passerelle::services::jobs;
use passerelle::services::mail::{self, Letter, Recipient};
use passerelle::services::mailer::{Mailer, Sending};
use passerelle::types::locale::Locale;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::demo::{config, start, wishes};

async fn get(address: &str, language: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(address).header("accept-language", language).send().await.unwrap().text().await.unwrap()
}

async fn write(demo: &Demo, subject: &str, body: &str) -> Sending {
    let to = Recipient { name: None, email: "contact@ecole.example.fr".to_owned(), locale: Locale::Fr };
    let letter = Letter::Written { subject: subject.to_owned(), body: body.to_owned() };
    mail::hand_over(&demo.gateway.mailer, subject, Timestamp::now(), &to, &letter).await
}

#[tokio::test]
async fn letters_of_the_gateway_are_shown_newest_first() {
    let demo = start(&wishes()).await;
    assert!(Mailer::open(&config().mail, &demo.public_url).is_ok_and(|mailer| !mailer.is_configured()), "only the demo's own tray is used");
    assert_eq!(write(&demo, "Première", "Bonjour").await, Sending::Sent);
    let text = "Voyez <là> :\n\nhttps://id.example.fr/x?a=1&b=2\n\njavascript:alert(1)";
    assert_eq!(write(&demo, "À l’été", text).await, Sending::Sent);

    let listed: Value = serde_json::from_str(&get(&format!("{}?format=json", demo.mail_tray), "fr").await).unwrap();
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["subject"].as_str().unwrap()).collect::<Vec<_>>(), ["À l’été", "Première"]);
    assert_eq!((&rows[0]["to"], &rows[0]["text"]), (&"contact@ecole.example.fr".into(), &text.into()));

    let page = get(&demo.mail_tray, "en").await;
    for wanted in ["The demo’s mail", "À l’été", "contact@ecole.example.fr", "lang=\"en\"", "aria-labelledby=\"letter-1\""] {
        assert!(page.contains(wanted), "{wanted} is missing from {page}");
    }
    assert_eq!(page.matches("<a href=\"http").count(), 1, "one address is a link: {page}");
    assert!(!page.contains("<là>") && !page.contains("href=\"javascript") && !page.contains('⟦'), "{page}");
    demo.stop().await.unwrap();
}

/// An establishment made in the demo writes to its contact, and the link in the letter works.
#[tokio::test]
async fn a_new_establishments_letter_appears_in_the_tray() {
    let demo = start(&wishes()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let new = json!({ "name": "École du Lac", "contact": { "given_name": "Zoé", "family_name": "Petit", "email": "zoe@lac.example.fr" } });
    let asked = client.post(format!("{}/api/v1/establishments", demo.public_url)).bearer_auth(demo.platform.api_token.expose());
    let made: Value = asked.json(&new).send().await.unwrap().json().await.unwrap();
    assert_eq!((&made["mailed_to"], &made["link"]), (&"zoe@lac.example.fr".into(), &Value::Null), "{made}");

    // The demo's own worker sends it; this does at once what it would do.
    jobs::run_due(&demo.gateway, Timestamp::now()).await.unwrap();
    let letter = demo.letters.arrived(|letter| letter.to == ["zoe@lac.example.fr"]).await;
    assert_eq!(letter.header("subject"), "École du Lac est ouvert : choisissez votre mot de passe");
    let link = letter.text.lines().find(|line| line.contains("/e/ecole-du-lac/invitation/")).unwrap();
    assert!(get(link, "fr").await.contains("Choisissez votre mot de passe"));
    demo.stop().await.unwrap();
}
