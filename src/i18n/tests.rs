//! Every text exists in every language, and every text a page asks for exists.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that meets the unexpected fails, and says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

/// Keys, with the arguments each text uses.
fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let argument = regex::Regex::new(r"\{[^}]*?\$([a-z]+)").unwrap();
    let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|l| !l.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            current = key.to_owned();
            read.entry(current.clone()).or_default();
        }
        let used = argument.captures_iter(line).map(|c| c.get(1).unwrap().as_str().to_owned());
        if let Some(arguments) = read.get_mut(&current) {
            arguments.extend(used);
        }
    }
    read
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_arguments() {
    assert_eq!(keys(FRENCH), keys(ENGLISH));
    assert!(keys(FRENCH).len() > 50);
}

#[test]
fn every_text_parses_and_none_is_written_twice() {
    for (locale, source) in [(Locale::Fr, FRENCH), (Locale::En, ENGLISH)] {
        assert_eq!(bundle(locale, source).1, 0, "{locale}");
        let missing: Vec<_> = keys(source).into_keys().filter(|key| !has(locale, key)).collect();
        assert!(missing.is_empty(), "{locale}: {missing:?}");
    }
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "html") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every text in quotes that starts like this.
fn quoted(sources: &[String], start: &str) -> BTreeSet<String> {
    let pattern = regex::Regex::new(&format!(r#""({start}[a-z0-9-]+)""#)).unwrap();
    let found = sources.iter().flat_map(|s| pattern.captures_iter(s)).filter_map(|c| c.get(1));
    found.map(|key| key.as_str().to_owned()).collect()
}

#[test]
fn every_key_asked_for_exists() {
    let asked = regex::Regex::new(r#"\.(?:t|text|named|counted)\(\s*"([a-z0-9-]+)""#).unwrap();
    let mut found = Vec::new();
    for room in ["src/fronts", "src/demo", "src/services", "src/types"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut found);
    }
    let names: BTreeSet<_> = found
        .iter()
        .flat_map(|s| asked.captures_iter(s))
        .map(|c| c.get(1).expect("the group is not optional").as_str().to_owned())
        .collect();
    assert!(names.len() > 30, "the pages ask for {} texts only: the pattern no longer fits them", names.len());
    let missing: Vec<_> = names.iter().filter(|key| Locale::ALL.iter().any(|l| !has(*l, key))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Headings of tables are named in lists, so a key counts as used where it is written. The texts of errors are asked for by a stem;
    // the page tests go through all stems, and `source_words` through all codes of a source's check.
    let written = |key: &String| found.iter().any(|source| source.contains(&format!("\"{key}\"")));
    let idle: Vec<_> =
        keys(FRENCH).into_keys().filter(|key| !key.starts_with("error-") && !key.starts_with("source-") && !written(key)).collect();
    assert!(idle.is_empty(), "nothing asks for {idle:?}");
    let lost: Vec<_> = quoted(&found, "cli-").into_iter().filter(|key| Locale::ALL.iter().any(|l| !has(*l, key))).collect();
    assert!(lost.is_empty(), "no text for {lost:?}");
}

#[test]
fn a_missing_text_shows() {
    assert_eq!(text(Locale::Fr, "no-such-text"), "⟦no-such-text⟧");
}

#[test]
fn the_clients_wish_comes_first_then_the_browsers_then_the_establishments() {
    assert_eq!(negotiate(Some("de en-GB fr"), Some("fr"), Locale::Fr), Locale::En);
    assert_eq!(negotiate(Some("de"), Some("en-US,en;q=0.9,fr;q=0.8"), Locale::Fr), Locale::En);
    assert_eq!(negotiate(None, Some("en;q=0.5, fr-CH;q=0.9"), Locale::En), Locale::Fr);
    assert_eq!(negotiate(None, Some("en;q=0, de, *;q=0.1"), Locale::Fr), Locale::Fr);
    assert_eq!(negotiate(None, None, Locale::En), Locale::En);
}

#[test]
fn names_are_filled_in() {
    assert_eq!(Texts(Locale::Fr).named("sign-in-to", "ScoDoc"), "pour accéder à ScoDoc");
    assert_eq!(Texts(Locale::En).counted("choice-count", 1), "1 establishment");
    assert_eq!(Texts(Locale::Fr).counted("choice-count", 3), "3 établissements");
}
