//! The rules themselves: each takes a file and answers what breaks it.

use regex::Regex;

use super::source::{File, crate_paths, functions};

/// Longest file, in lines.
const FILE_LINES_MAX: usize = 400;
/// Longest function, in lines of code.
const FUNCTION_LINES_MAX: usize = 60;

/// What each room of the gateway may name. `app`, `fronts` and `demo` are at the top: they may name everything, and nothing below names them.
const ROOMS: [(&str, &[&str]); 9] = [
    ("types", &["types"]),
    ("i18n", &["i18n", "types"]),
    ("config", &["config", "types"]),
    ("telemetry", &["telemetry", "config", "types"]),
    ("store", &["store", "config", "types"]),
    ("services", &["services", "store", "config", "i18n", "types"]),
    ("fronts", &["fronts", "app", "demo", "services", "store", "telemetry", "config", "i18n", "types"]),
    ("demo", &["fronts", "app", "demo", "services", "store", "telemetry", "config", "i18n", "types"]),
    ("app", &["fronts", "app", "demo", "services", "store", "telemetry", "config", "i18n", "types"]),
];

/// The services in the order in which they may name each other; those of one line may name one another.
const SERVICES: &[&[&str]] = &[
    // What every service stands on: who asks, what can go wrong, how secrets are kept.
    &[
        "context",
        "directories",
        "egress",
        "error",
        "installation",
        "keys",
        "mailer",
        "node",
        "passwords",
        "recent_establishments",
        "scim_services",
        "vault",
    ],
    &["audit"],
    &["leases"],
    &["schedules"],
    &["outbox"],
    &["provisioning_bell"],
    &["logout_notices"],
    &["mail"],
    &["brought_rows", "unit_tree"],
    &["roles"],
    &["applications"],
    &["rule_sets"],
    &["links"],
    &["users"],
    &["units"],
    &["relations"],
    &["source_files"],
    &["source_routes", "sources", "source_words", "groups"],
    &["sync"],
    &["leaving"],
    &["reviews"],
    &["provisioning"],
    &["login"],
    &["oidc"],
    &["clients"],
    &["explanations"],
    &["tokens"],
    &["idempotency"],
    &["scim"],
    &["establishments"],
    &["routing"],
    &["upgrades"],
    &["archives"],
    &["statistics"],
    &["bulk"],
    &["housekeeping"],
    &["keeping_up"],
    &["dispatch"],
    &["jobs"],
    &["checkup"],
];

/// Crates that only some places may name.
const CRATES: [(&str, &[&str]); 7] = [
    ("sqlx", &["src/store/"]),
    ("axum", &["src/fronts/", "src/demo/", "src/app.rs", "src/app/"]),
    ("hyper", &["src/app/", "src/services/egress", "connectors/src/scim/http.rs"]),
    ("hyper_util", &["src/app/", "src/services/egress", "connectors/src/scim/http.rs"]),
    ("openidconnect", &["connectors/src/upstream.rs", "src/demo/"]),
    ("ldap3", &["connectors/src/"]),
    ("lettre", &["src/services/mailer/", "src/services/mail/"]),
];

/// Names that say nothing, for a thing or a file.
const EMPTY_NAMES: [&str; 9] = ["data", "info", "manager", "process", "handle", "util", "utils", "helper", "helpers"];
/// Names under which files gather what belongs elsewhere.
const DRAWERS: [&str; 3] = ["common", "misc", "shared"];
/// Words for an establishment that are not ours.
const OTHER_WORDS: [&str; 6] = ["tenant", "tenants", "realm", "realms", "org", "orgs"];

pub fn has_a_doc(file: &File) -> Vec<String> {
    if file.is_rust() && !file.text.starts_with("//!") { vec![format!("{}:1", file.path)] } else { Vec::new() }
}

pub fn is_short(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if file.is_rust() && lines > FILE_LINES_MAX { vec![format!("{}: {lines} lines", file.path)] } else { Vec::new() }
}

pub fn has_short_functions(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let long = functions(&file.code).into_iter().filter(|function| function.length > FUNCTION_LINES_MAX);
    long.map(|function| format!("{}:{}: {} has {} lines", file.path, function.line, function.name, function.length)).collect()
}

pub fn names_only_rooms_below(file: &File) -> Vec<String> {
    let module = file.module();
    let Some((_, allowed)) = module.first().and_then(|room| ROOMS.iter().find(|(name, _)| name == room)) else { return Vec::new() };
    if !file.is_product() || file.path.starts_with("connectors/") {
        return Vec::new();
    }
    let known: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    let mut broken = Vec::new();
    for path in crate_paths(&module, &file.code) {
        let Some(room) = path.first().map(String::as_str).filter(|room| known.contains(room)) else { continue };
        if !allowed.contains(&room) {
            broken.push(format!("{}: {} names {}", file.path, module[0], path.join("::")));
        }
    }
    broken
}

pub fn names_only_services_before(file: &File) -> Vec<String> {
    let module = file.module();
    let [room, service, ..] = module.as_slice() else { return Vec::new() };
    if room != "services" || !file.is_product() {
        return Vec::new();
    }
    let rank = |name: &str| SERVICES.iter().position(|line| line.contains(&name));
    let Some(own) = rank(service) else {
        return vec![format!("{}: {service} has no place in SERVICES of tests/tidy/rules.rs: give it one", file.path)];
    };
    let mut broken = Vec::new();
    for path in crate_paths(&module, &file.code) {
        let [room, named, ..] = path.as_slice() else { continue };
        if room == "services" && rank(named).is_some_and(|named| named > own) {
            broken.push(format!("{}: {service} names {}", file.path, path.join("::")));
        }
    }
    broken
}

pub fn names_no_other_front(file: &File) -> Vec<String> {
    let module = file.module();
    let [room, front, ..] = module.as_slice() else { return Vec::new() };
    // The command line starts the others, and `http` is the kit that all of them share.
    if room != "fronts" || front == "cli" || !file.is_product() {
        return Vec::new();
    }
    let fronts = ["api", "cas", "cli", "oidc", "scim", "web"];
    let mut broken = Vec::new();
    for path in crate_paths(&module, &file.code) {
        let [room, named, ..] = path.as_slice() else { continue };
        if room == "fronts" && named != front && fronts.contains(&named.as_str()) {
            broken.push(format!("{}: {front} names {}", file.path, path.join("::")));
        }
    }
    broken
}

pub fn names_crates_in_their_place(file: &File) -> Vec<String> {
    if !file.is_product() {
        return Vec::new();
    }
    let code = &file.code;
    let mut broken = Vec::new();
    for (name, places) in CRATES {
        let named = Regex::new(&format!(r"\b{name}(?:::|\s*;|\s+as\b)")).unwrap();
        if named.is_match(code) && !places.iter().any(|place| file.path.starts_with(place)) {
            broken.push(format!("{}: {name}, which only {} may name", file.path, places.join(", ")));
        }
    }
    if file.path.starts_with("connectors/") && Regex::new(r"\bpasserelle\b").unwrap().is_match(code) {
        broken.push(format!("{}: a connector knows nothing of the gateway", file.path));
    }
    broken
}

pub fn has_telling_names(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for part in file.path.trim_end_matches(".rs").split('/') {
        // `tests/data` holds no code: what a file is called there says where it comes from.
        if [&EMPTY_NAMES[..], &DRAWERS, &OTHER_WORDS].concat().contains(&part) && !file.path.starts_with("tests/data/") {
            broken.push(format!("{}: the name {part}", file.path));
        }
    }
    let items = Regex::new(r"\b(?:fn|struct|enum|trait|type|mod|const|static)\s+(\w+)").unwrap();
    for (at, line) in file.code.lines().enumerate() {
        for item in items.captures_iter(line) {
            let words = words_of(&item[1]);
            let last = words.last().map_or("", String::as_str);
            let empty = words.len() == 1 && EMPTY_NAMES.contains(&last);
            let suffix = matches!(last, "manager" | "util" | "utils" | "helper" | "helpers");
            if empty || suffix || words.iter().any(|word| OTHER_WORDS.contains(&word.as_str())) {
                broken.push(format!("{}:{}: the name {}", file.path, at + 1, &item[1]));
            }
        }
    }
    broken
}

/// `SyncRun`, `sync_run`, `SYNC_RUN` → `sync`, `run`.
fn words_of(name: &str) -> Vec<String> {
    let word = Regex::new("[A-Z]+[0-9]*(?:_|$)|[A-Z][a-z0-9]*|[a-z0-9]+").unwrap();
    word.find_iter(name).map(|found| found.as_str().trim_end_matches('_').to_lowercase()).collect()
}

pub fn leaves_nothing_for_later(file: &File) -> Vec<String> {
    let marks = Regex::new(concat!(r"\b(?:TO", r"DO|FIX", r"ME|X", r"XX)\b")).unwrap();
    lines_that_match(file, &marks)
}

pub fn names_no_machine(file: &File) -> Vec<String> {
    // What a Mac calls people's folders is an endpoint of SCIM too: there, a folder within one is meant.
    let paths = Regex::new(concat!(r#"(?:^|[\s"'`(=:])/(?:(?:wo"#, r"rk|ro", r"ot|ho", r"me)/\w|Us", r"ers/\w+/\w)")).unwrap();
    // `homeDirectory` is an attribute of posixAccount, and its values are made up.
    lines_that_match(file, &paths).into_iter().filter(|line| !line.contains("homeDirectory")).collect()
}

pub fn comes_from_the_public_registry(file: &File) -> Vec<String> {
    if file.path.ends_with("Cargo.lock") {
        let other = file.text.lines().filter(|line| line.starts_with("source = "));
        let other = other.filter(|line| *line != "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
        return other.map(|line| format!("{}: {line}", file.path)).collect();
    }
    if file.extension() != "toml" {
        return Vec::new();
    }
    lines_that_match(file, &Regex::new(r"^\[(?:source|registries|registry|patch)\b|\bregistry\s*=|\bgit\s*=").unwrap())
}

pub fn is_our_own(file: &File) -> Vec<String> {
    let brought = Regex::new(r"(?:\.min\.\w+|\.map|\.woff2?|\.ttf|\.otf|\.eot)$|(?:^|/)(?:vendor|third_party|bower_components)/").unwrap();
    if brought.is_match(&file.path) {
        return vec![file.path.clone()];
    }
    if !matches!(file.extension(), "html" | "css") {
        return Vec::new();
    }
    let loaded = r#"<script[^>]*\bsrc="(?:https?:)?//|<link[^>]*\bhref="(?:https?:)?//|<img[^>]*\bsrc="(?:https?:)?//|url\(["']?(?:https?:)?//|@import"#;
    lines_that_match(file, &Regex::new(loaded).unwrap())
}

/// The files that a Markdown text links to: addresses elsewhere and places in the page itself left out.
pub fn linked_files(text: &str) -> Vec<&str> {
    let link = Regex::new(r"\]\(([^)\s]+)").unwrap();
    let targets = link.captures_iter(text).map(|found| found.get(1).unwrap().as_str());
    let files = targets.filter(|target| !target.contains(':') && !target.starts_with('#'));
    files.map(|target| target.split('#').next().unwrap_or(target)).collect()
}

/// The keys of a Fluent text: messages, terms and their attributes.
pub fn fluent_keys(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut message = String::new();
    for line in text.lines() {
        let Some((name, _)) = line.split_once('=') else { continue };
        let name = name.trim_end();
        if let Some(attribute) = name.trim_start().strip_prefix('.').filter(|_| line.starts_with(' ')) {
            keys.push(format!("{message}.{attribute}"));
        } else if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-') && !name.contains(char::is_whitespace) {
            name.clone_into(&mut message);
            keys.push(message.clone());
        }
    }
    keys.sort();
    keys
}

fn lines_that_match(file: &File, pattern: &Regex) -> Vec<String> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| pattern.is_match(line));
    lines.map(|(at, line)| format!("{}:{}: {}", file.path, at + 1, line.trim())).collect()
}
