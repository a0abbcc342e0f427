//! The rules tried on samples that break them: a rule that never fails protects nothing.

use super::rules;
use super::source::{File, Function, code_only, crate_paths, functions};

fn file(path: &str, text: &str) -> File {
    File::new(path.to_owned(), text.to_owned())
}

fn broken(check: impl Fn(&File) -> Vec<String>, path: &str, text: &str) -> bool {
    !check(&file(path, text)).is_empty()
}

#[test]
fn texts_and_comments_are_not_code() {
    let code = code_only(
        "let a = \"sqlx::x // no\"; // axum::y\nlet b = r#\"a \" b\"#; let c = '\"'; let d = '\\''; fn f<'a>(x: &'a str) {}\n/* z\n */ end",
    );
    assert_eq!(code.lines().count(), 4);
    for gone in ["sqlx", "axum", "no", "z"] {
        assert!(!code.contains(gone), "{gone} in {code}");
    }
    assert!(code.contains("fn f<'a>(x: &'a str) {}") && code.contains("end"), "{code}");
}

#[test]
fn use_trees_are_spread_and_super_is_followed() {
    let module = ["services".to_owned(), "oidc".to_owned(), "pkce".to_owned()];
    let code = "use crate::{store::Tx, types::{id, slug::{Slug, Slugs as S}}};\nuse super::super::sync;\nfn f() { super::error::g(); crate::fronts::h() }\nuse std::fmt;";
    let paths: Vec<String> = crate_paths(&module, code).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        ["store::Tx", "types::id", "types::slug::Slug", "types::slug::Slugs", "services::sync", "services::oidc::error::g", "fronts::h"]
    );
}

#[test]
fn functions_are_measured_to_their_own_brace() {
    let code = "impl A {\n    pub fn a(&self) -> u8 {\n        if x {\n            1\n        }\n    }\n\n    fn declared(&self);\n    fn one(&self) {}\n}\npub(crate) async fn b(\n    x: u8,\n) {\n    c();\n\n}\n";
    let expected = [("a", 2, 3), ("b", 11, 1)];
    let expected: Vec<_> = expected.map(|(name, line, length)| Function { name: name.to_owned(), line, length }).into();
    assert_eq!(functions(code), expected);

    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(61));
    assert!(broken(rules::has_short_functions, "src/a.rs", &long));
    let just = format!("fn just() {{\n{}\n    // Said.\n}}\n", "    step();\n".repeat(60));
    assert!(!broken(rules::has_short_functions, "src/a.rs", &just));
}

#[test]
fn long_or_undocumented_files_are_found() {
    assert!(broken(rules::is_short, "src/a.rs", &"//! A.\n".repeat(401)));
    assert!(!broken(rules::is_short, "src/a.rs", &"//! A.\n".repeat(400)));
    assert!(broken(rules::has_a_doc, "tests/a.rs", "use x;\n"));
}

#[test]
fn layers_crossed_upwards_are_found() {
    assert!(broken(rules::names_only_rooms_below, "src/types/id.rs", "use crate::store::Tx;"));
    assert!(broken(rules::names_only_rooms_below, "src/store/user.rs", "use crate::{types::id, services::{users, roles}};"));
    assert!(broken(rules::names_only_rooms_below, "src/services/users/mod.rs", "fn f() { crate::fronts::http::g() }"));
    assert!(broken(rules::names_only_rooms_below, "src/services/users/mod.rs", "use super::super::demo;"));
    assert!(!broken(rules::names_only_rooms_below, "src/services/users/mod.rs", "use crate::store::Tx; // crate::fronts"));
    assert!(!broken(rules::names_only_rooms_below, "src/store/mod.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n}"));
}

#[test]
fn services_and_fronts_out_of_order_are_found() {
    assert!(broken(rules::names_only_services_before, "src/services/users/mod.rs", "use crate::services::{error, sync};"));
    assert!(broken(rules::names_only_services_before, "src/services/keys/a.rs", "use super::super::oidc;"));
    assert!(broken(rules::names_only_services_before, "src/services/novelty.rs", ""));
    assert!(!broken(rules::names_only_services_before, "src/services/sync/apply.rs", "use crate::services::users; use super::guard;"));
    assert!(broken(rules::names_no_other_front, "src/fronts/api/mod.rs", "use crate::fronts::web::page;"));
    assert!(broken(rules::names_no_other_front, "src/fronts/api/mod.rs", "use super::oidc;"));
    assert!(!broken(rules::names_no_other_front, "src/fronts/api/users.rs", "use crate::fronts::http::Problem;"));
}

#[test]
fn crates_out_of_place_are_found() {
    assert!(broken(rules::names_crates_in_their_place, "src/services/users/mod.rs", "use sqlx::query;"));
    assert!(broken(rules::names_crates_in_their_place, "src/telemetry.rs", "fn f() -> axum::Router {}"));
    assert!(broken(rules::names_crates_in_their_place, "connectors/src/lib.rs", "use passerelle::types::id;"));
    assert!(!broken(rules::names_crates_in_their_place, "src/store/user.rs", "use sqlx::query;"));
    assert!(!broken(rules::names_crates_in_their_place, "src/telemetry.rs", "// axum::Router\nconst FILTER: &str = \"sqlx::query=warn\";"));
}

#[test]
fn empty_names_are_found() {
    for code in
        ["fn process() {}", "struct SyncManager;", "mod utils;", "pub struct TenantId(u8);", "const REALM_MAX: u8 = 1;", "enum Data {}"]
    {
        assert!(broken(rules::has_telling_names, "src/a.rs", code), "{code}");
    }
    assert!(broken(rules::has_telling_names, "src/store/helpers.rs", "") && broken(rules::has_telling_names, "src/utils/a.rs", ""));
    for code in
        ["struct UserInfo;", "fn organise() {}", "// fn process()", "fn handle_of_door() {}", "struct MetaData;", "type Organization = u8;"]
    {
        assert!(!broken(rules::has_telling_names, "src/a.rs", code), "{code}");
    }
}

#[test]
fn unfinished_work_machines_and_foreign_sources_are_found() {
    assert!(broken(rules::leaves_nothing_for_later, "docs/a.md", concat!("<!-- TO", "DO -->")));
    assert!(broken(rules::names_no_machine, "docs/a.md", concat!("see `/ho", "me/someone/x`")));
    assert!(!broken(rules::names_no_machine, "docs/a.md", concat!("https://example.fr/ho", "me/page and /etc/passerelle")));
    assert!(!broken(rules::names_no_machine, "tests/a.rs", concat!("(\"homeDirectory=/ho", "me/a\")")));
    assert!(broken(rules::comes_from_the_public_registry, "Cargo.lock", "source = \"registry+https://mirror.example/index\""));
    assert!(broken(rules::comes_from_the_public_registry, "Cargo.toml", "x = { git = \"https://example.fr/x\" }"));
}

#[test]
fn foreign_assets_are_found() {
    assert!(broken(rules::is_our_own, "src/fronts/web/assets/x.min.js", "") && broken(rules::is_our_own, "docs/f.woff2", ""));
    assert!(broken(rules::is_our_own, "a.html", "<script defer src=\"https://cdn.example/x.js\"></script>"));
    assert!(broken(rules::is_our_own, "a.css", "@import 'x.css';"));
    assert!(!broken(rules::is_our_own, "a.html", "<a href=\"https://example.fr\">elsewhere</a>"));
}

#[test]
fn links_between_documents_are_read() {
    let text = "[a](docs/a.md#part) ![b](b.png \"title\") [c](https://example.fr/x) [d](#here) [e](../src/lib.rs)";
    assert_eq!(rules::linked_files(text), ["docs/a.md", "b.png", "../src/lib.rs"]);
}

#[test]
fn fluent_keys_are_messages_terms_and_attributes() {
    let text = "# Said = once\nsign-in = Se connecter\n    .title = Connexion = oui\n-brand = Passerelle\nmany =\n    { $n ->\n        [one] a = b\n       *[other] c\n    }\n";
    assert_eq!(rules::fluent_keys(text), ["-brand", "many", "sign-in", "sign-in.title"]);
}
