//! The house rules as a test: each says what is broken, where, and why the rule is there. The rules are tried on broken samples too.

mod rules;
mod samples;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use source::File;

/// Fails with every place that breaks a rule.
fn hold(rule: &str, why: &str, check: impl Fn(&File) -> Vec<String>) {
    let broken: Vec<String> = source::tree().iter().flat_map(check).collect();
    assert!(broken.is_empty(), "{rule} {why}\n{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_owns() {
    hold("A Rust file starts with `//!`.", "A newcomer learns from it what belongs there and what does not.", rules::has_a_doc);
}

#[test]
fn files_are_short() {
    hold("A file has 400 lines at most.", "Longer ones hold several steps of the work: split them by step.", rules::is_short);
}

#[test]
fn functions_are_short() {
    hold("A function has 60 lines at most.", "One that is longer does several things: name them.", rules::has_short_functions);
}

#[test]
fn layers_name_only_those_below() {
    let why = "types ← store ← services ← fronts: a change above must never break what is below.";
    hold("A room names only those it may build on (ROOMS).", why, rules::names_only_rooms_below);
}

#[test]
fn services_name_only_those_before() {
    let why = "Two services that name each other are one service in two places.";
    hold("A service names only those before it (SERVICES).", why, rules::names_only_services_before);
}

#[test]
fn fronts_do_not_name_each_other() {
    hold("A front names no other front.", "What two of them need is a service, or the kit in `fronts/http`.", rules::names_no_other_front);
}

#[test]
fn crates_stay_in_their_place() {
    let why = "What a crate of the outside does stays behind one door, where it can be replaced.";
    hold("Some crates are named in one place only (CRATES).", why, rules::names_crates_in_their_place);
}

#[test]
fn names_tell_what_things_are() {
    let why = "A name that fits everything tells nothing; a school is an establishment, in every place.";
    hold(
        "Things are not called data, info, manager, process, handle, util, helper; nor tenant, realm, org.",
        why,
        rules::has_telling_names,
    );
}

#[test]
fn nothing_is_left_for_later() {
    hold(
        "No mark of unfinished work stands in the tree.",
        "Finish it, or write it down where the work is planned.",
        rules::leaves_nothing_for_later,
    );
}

#[test]
fn no_machine_is_named() {
    hold("No path of one machine stands in the tree.", "The tree must work wherever it is cloned.", rules::names_no_machine);
}

#[test]
fn crates_come_from_the_public_registry() {
    let why = "A clone must build for everyone, from the same sources.";
    hold("Every dependency comes from crates.io.", why, rules::comes_from_the_public_registry);
}

#[test]
fn nothing_is_copied_from_third_parties() {
    let why = "Pages load nothing from elsewhere, and what others wrote comes through the package manager, with its licence.";
    hold("No font, minified script or vendored folder stands in the tree, and no page loads from another host.", why, rules::is_our_own);
}

#[test]
fn french_and_english_say_the_same_things() {
    let files = source::tree();
    let mut folders: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.extension() == "ftl") {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        folders.entry(folder).or_default().insert(name, rules::fluent_keys(&file.text));
    }
    for (folder, texts) in folders {
        let (Some(english), Some(french)) = (texts.get("en.ftl"), texts.get("fr.ftl")) else {
            panic!("{folder} lacks en.ftl or fr.ftl: every text a person reads is in both languages");
        };
        let lacks = |from: &[String], of: &[String]| of.iter().filter(|key| !from.contains(key)).cloned().collect::<Vec<_>>().join(", ");
        let (in_english, in_french) = (lacks(english, french), lacks(french, english));
        assert!(in_english.is_empty() && in_french.is_empty(), "{folder}: missing in en.ftl: {in_english}; in fr.ftl: {in_french}");
        assert!(english.windows(2).all(|pair| pair[0] != pair[1]), "{folder}: a key stands twice in en.ftl");
        assert!(french.windows(2).all(|pair| pair[0] != pair[1]), "{folder}: a key stands twice in fr.ftl");
    }
}

#[test]
fn documents_link_to_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let why = "A reader follows it and finds nothing.";
    hold("A link in a document leads to a file of the tree.", why, |file| {
        if file.extension() != "md" {
            return Vec::new();
        }
        let folder = root.join(&file.path);
        let lost = rules::linked_files(&file.text).into_iter().filter(|target| !folder.with_file_name(target).exists());
        lost.map(|target| format!("{}: {target}", file.path)).collect()
    });
}

#[test]
fn a_fresh_clone_has_what_it_needs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in ["Cargo.lock", "config/passerelle.toml", "docs/configuration.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        assert!(root.join(path).is_file(), "{path} is missing: a fresh clone builds, is documented and is licensed without anything else");
    }
    for path in ["scripts/test", ".ci/run"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")).permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} is not executable: `chmod +x {path}`");
    }
}
