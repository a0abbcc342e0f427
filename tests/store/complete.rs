//! Whether the contract suite names every function of the store: one that nothing calls here is one that a second engine may get wrong.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

/// Every `module::function` that the store's entities offer.
fn offered() -> BTreeSet<String> {
    let function = Regex::new(r"(?m)^pub (?:async )?fn (\w+)").unwrap();
    let mut names = BTreeSet::new();
    for (path, text) in rust_files(&["src/store/registry", "src/store/establishment"]) {
        let module = Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned();
        names.extend(function.captures_iter(&text).map(|found| format!("{module}::{}", &found[1])));
    }
    names
}

fn rust_files(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "rs"));
    paths.map(|path| (path.to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_function_of_the_store_is_tried() {
    let offered = offered();
    assert!(offered.contains("user::find") && offered.contains("establishment::list"), "the functions are found: {offered:?}");
    let call = Regex::new(r"\b\w+::\w+\(").unwrap();
    let suite = rust_files(&["tests/store"]);
    let called: BTreeSet<&str> =
        suite.iter().flat_map(|(_, text)| call.find_iter(text)).map(|m| m.as_str().trim_end_matches('(')).collect();
    let untried: Vec<&String> = offered.iter().filter(|name| !called.contains(name.as_str())).collect();
    assert!(
        untried.is_empty(),
        "these functions of the store are called by no test in tests/store: add their behaviour there\n{untried:#?}"
    );
}
