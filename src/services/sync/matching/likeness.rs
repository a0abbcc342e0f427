//! The fields by which entries and people are compared, made comparable. Decides nothing.

use std::borrow::Cow;

use super::super::digest::{self, Digest, Kind};
use crate::store::establishment::statement::Stated;
use crate::types::matching::{Likeness, Matching};
use crate::types::{fold, fold_case};

/// Values of one field that are looked at.
const VALUES_MAX: usize = 32;
/// Digits of a date.
const DATE_DIGITS: usize = 8;

/// What two entries have in common: an anchor or a likeness, by its place in the declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trait {
    /// A key that names one person for certain.
    Anchor(usize),
    /// Fields that are the same.
    Soft(usize),
}

/// A comparable key of an entry or a person.
pub type Key = (Trait, Digest);

/// The keys of an entry of the source that declares.
pub fn of_entry(declared: &Matching, entry: &Stated) -> Vec<Key> {
    let anchors = declared.anchor.keys().enumerate().flat_map(|(at, here)| anchors(at, here, entry));
    anchors.chain(soft(declared, entry)).collect()
}

/// The keys of a person whom it may be.
pub fn of_person(declared: &Matching, person: &Stated) -> Vec<Key> {
    let there = declared.anchor.values().enumerate();
    let anchors = there.flat_map(|(at, there)| there.all().iter().flat_map(move |name| anchors(at, name, person)));
    anchors.chain(soft(declared, person)).collect()
}

fn anchors<'a>(at: usize, name: &'a str, stated: &'a Stated) -> impl Iterator<Item = Key> + 'a {
    // A key is what it is to the letter; only user names and addresses are written in any letter case.
    let exact = move |value: &'a str| match name {
        "username" | "email" => Cow::Owned(fold_case(value.trim())),
        _ => Cow::Borrowed(value.trim()),
    };
    let values = values(stated, name).take(VALUES_MAX).map(exact).filter(|value| !value.is_empty());
    values.map(move |value| (Trait::Anchor(at), digest::of(Kind::Key, &format!("anchor {at}\n{value}"))))
}

fn soft<'a>(declared: &'a Matching, stated: &'a Stated) -> impl Iterator<Item = Key> + 'a {
    declared.soft.iter().enumerate().filter_map(|(at, rule)| {
        let texts: Option<Vec<String>> = rule.fields.iter().map(|name| comparable(stated, name)).collect();
        Some((Trait::Soft(at), digest::of(Kind::Key, &format!("soft {at}\n{}", texts?.join("\n")))))
    })
}

/// The first value of a field as it is compared. A field that is not stated is like nothing.
fn comparable(stated: &Stated, name: &str) -> Option<String> {
    let value = values(stated, name).next()?;
    let text = match date(value) {
        Some(digits) => digits,
        // An address differs by every sign but letter case.
        None if matches!(name, "email" | "username") => fold_case(value.trim()),
        None => words(value),
    };
    (!text.is_empty()).then_some(text)
}

/// A name without accents, letter case and punctuation.
fn words(value: &str) -> String {
    let folded = fold(value);
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A date as year, month and day: from `1984-10-22`, `22/10/1984`, `22.10.1984`, `19841022` or a time that begins with it.
fn date(value: &str) -> Option<String> {
    let value = value.trim();
    let parts: Vec<&str> = value.split(['-', '/', '.']).collect();
    let digits = |part: &&str| part.chars().all(|c| c.is_ascii_digit());
    match parts.as_slice() {
        [year, month, day] | [day, month, year] if parts.iter().all(digits) && (year.len(), month.len(), day.len()) == (4, 2, 2) => {
            Some(format!("{year}{month}{day}"))
        }
        _ => {
            let (head, tail) = value.split_at_checked(DATE_DIGITS)?;
            let time =
                tail.is_empty() || (tail.ends_with('Z') && tail.trim_end_matches('Z').chars().all(|c| c.is_ascii_digit() || c == '.'));
            (time && head.chars().all(|c| c.is_ascii_digit())).then(|| head.to_owned())
        }
    }
}

/// The values of a field, or of an attribute of that name.
fn values<'a>(stated: &'a Stated, name: &str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    let one = |value: Option<&'a str>| -> Box<dyn Iterator<Item = &'a str> + 'a> { Box::new(value.into_iter()) };
    match name {
        "username" => one(Some(&stated.username)),
        "given_name" => one(stated.given_name.as_deref()),
        "family_name" => one(stated.family_name.as_deref()),
        "display_name" => one(Some(&stated.display_name)),
        "email" => one(stated.email.as_deref()),
        "locale" => one(stated.locale.as_deref()),
        "home_unit" => one(stated.home_unit.as_deref()),
        attribute => Box::new(stated.attributes.get(attribute).into_iter().flatten().map(String::as_str)),
    }
}

/// The fields of what two have in common, for whoever reads it.
pub fn named(declared: &Matching, what: Trait) -> String {
    match what {
        Trait::Anchor(at) => declared.anchor.keys().nth(at).cloned().unwrap_or_default(),
        Trait::Soft(at) => declared.soft.get(at).map(|rule: &Likeness| rule.fields.join(", ")).unwrap_or_default(),
    }
}
