//! What the demo prints once everything answers: a short text for people, one line of JSON for scripts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::folder::Folder;
use super::run::Demo;
use super::sample::{Function, Suggestion};
use super::setup::{Credentials, Furnished};
use crate::i18n::{Texts, text_with};
use crate::types::locale::Locale;

/// One line for scripts: the names in it are a contract.
pub fn line(demo: &Demo) -> Value {
    json!({
        "public_url": demo.public_url,
        "api_token": demo.platform.api_token.expose(),
        "operator": credentials(&demo.platform.operator),
        "mail_tray": demo.mail_tray,
        "establishments": demo.platform.establishments.iter().map(|one| establishment(one, demo)).collect::<Vec<_>>(),
        "sample": { "url": demo.sample_url, "directory_url": format!("{}/directory", demo.sample_url) },
    })
}

/// The passwords are those of fictitious people, or were drawn for this demo: showing them is what the line is for.
fn credentials(of: &Credentials) -> Value {
    json!({ "username": of.username, "password": of.password.expose() })
}

fn establishment(one: &Furnished, demo: &Demo) -> Value {
    let place = &one.place;
    json!({
        "slug": place.slug,
        "issuer": place.issuer,
        "admin": credentials(&one.admin),
        "person": one.person.as_ref().map(credentials),
        "client": {
            "client_id": place.client_id,
            "client_secret": place.client_secret.expose(),
            "redirect_uris": one.redirect_uris,
        },
        "scim": { "base_url": one.feed.base_url, "token": one.feed.token.expose() },
        "directory": {
            "url": demo.directory.url(),
            "bind_dn": one.bind_dn,
            "bind_password": one.bind_password.expose(),
            "base_dn": place.base_dn,
        },
    })
}

/// A short text for people.
pub fn welcome(demo: &Demo, locale: Locale) -> String {
    let texts = Texts(locale);
    let establishments = &demo.platform.establishments;
    let count = establishments.len();
    let mut out = String::new();
    let ready = text_with(locale, "demo-ready", &[("count", count.into()), ("people", demo.people_count.into())]);
    let addresses = [
        (demo.sample_url.clone(), texts.text("demo-open-sample")),
        (format!("{}/directory", demo.sample_url), texts.text("demo-open-directory")),
        (demo.mail_tray.clone(), texts.text("demo-open-mail")),
        (demo.public_url.clone(), texts.text("demo-open-gateway")),
        (format!("{}/api/docs", demo.public_url), texts.text("demo-open-api")),
    ];
    let width = addresses.iter().map(|(address, _)| address.chars().count()).max().unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n  {ready}\n\n  {}", texts.text("demo-open"));
    for (address, what) in &addresses {
        let _ = writeln!(out, "    {address:width$}   {what}");
    }
    let _ = writeln!(out, "\n  {}", texts.text("demo-be"));
    let operator = &demo.platform.operator;
    let mut rows = vec![[operator.username.clone(), operator.password.expose().to_owned(), texts.text("demo-operator")]];
    for one in establishments {
        rows.extend(one.place.suggestions.iter().map(|s| row(s, &one.place.name, texts)));
        if one.place.suggestions.iter().all(|s| s.username != one.admin.username) {
            let what = format!("{}, {}", texts.text("demo-administrator"), one.place.name);
            rows.push([one.admin.username.clone(), one.admin.password.expose().to_owned(), what]);
        }
    }
    let [first, second] = [0, 1].map(|column| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0));
    for [username, password, what] in &rows {
        let _ = writeln!(out, "    {username:first$}   {password:second$}   {what}");
    }
    let where_kept = match demo.folder() {
        Folder::Kept(folder) => texts.named("demo-kept", &folder.display().to_string()),
        Folder::Temporary(_) => texts.text("demo-forgotten"),
    };
    let _ = writeln!(out, "\n  {where_kept} {}\n", texts.text("demo-stop"));
    out
}

fn row(suggestion: &Suggestion, place: &str, texts: Texts) -> [String; 3] {
    let function = match suggestion.function {
        Function::Teacher => texts.text("demo-teacher"),
        Function::Administrator => texts.text("demo-administrator"),
        Function::Pupil => texts.text("demo-pupil"),
        Function::Anyone => texts.text("demo-anyone"),
    };
    [suggestion.username.clone(), suggestion.password.clone(), format!("{function}, {place}")]
}
