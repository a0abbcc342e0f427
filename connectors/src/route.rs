//! Which establishments an entry names, by declaration. Compiled once, pure: it knows no establishment, and reads nothing.
//!
//! An expression has one or more ways separated by `|`; the first that yields something wins. A way is
//! - what a mapping's field accepts: `supannEtablissement{UAI}`, `ENTPersonStructRattach`, a template;
//! - `dn:ou=*,ou=structures,dc=example,dc=fr`: the branch that the entry stands in; `*` is the value taken, and what follows it is given
//!   up to the root of the tree;
//! - `group:(?<uai>[0-9]{7}[A-Z])_.*`: of every group whose name fits, the value of its first capture, for the group and for whoever is in it,
//!   through groups in groups too. It is the last way, because its pattern may hold `|` itself.

use std::collections::BTreeMap;

use crate::dn;
use crate::mapping::{EXPRESSION_BYTES_MAX, Mapping};

/// Values that one entry may name at most; beyond, it names none rather than some.
pub const VALUES_MAX: usize = 64;

const BRANCH: &str = "dn:";
const GROUP: &str = "group:";
/// The field under which the mapping's language is borrowed.
const FIELD: &str = "establishments";

/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    text: String,
    ways: Vec<Way>,
    names: Vec<String>,
    group: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Attributes(Mapping),
    /// The RDNs of a branch, normalised, from the entry up; the one with the value taken is a type and `=`.
    Branch(Vec<String>),
}

impl Route {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong and what is accepted, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(format!("longer than {EXPRESSION_BYTES_MAX} bytes"));
        }
        let mut route = Self { text: text.to_owned(), ways: Vec::new(), names: Vec::new(), group: None };
        let mut rest = Some(text);
        while let Some(part) = rest {
            let part = part.trim_start();
            if let Some(pattern) = part.strip_prefix(GROUP) {
                if !pattern.contains("(?<") && !pattern.contains("(?P<") {
                    return Err("the pattern of `group:` names no capture, such as `(?<uai>[0-9]{7}[A-Z])`".to_owned());
                }
                route.group = Some(pattern.trim().to_owned());
                break;
            }
            let (way, after) = part.split_once('|').map_or((part, None), |(way, after)| (way, Some(after)));
            route.add(way.trim())?;
            rest = after;
        }
        Ok(route)
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let way = match text.strip_prefix(BRANCH) {
            Some(branch) => Way::Branch(branch_of(branch)?),
            None => Way::Attributes(attributes(text)?),
        };
        if let Way::Attributes(mapping) = &way {
            for name in mapping.names() {
                if !self.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    self.names.push(name.clone());
                }
            }
        }
        self.ways.push(way);
        Ok(())
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The attributes to ask the server for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The pattern that groups' names are looked at with, when nothing else yields something.
    pub fn group_pattern(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// What an entry names itself, each value once: its values by attribute as in [`Route::names`], and its normalised DN.
    pub fn of<T: AsRef<str> + Clone>(&self, values: &[Vec<T>], dn_key: &str) -> Vec<String> {
        let mut found = self.ways.iter().map(|way| self.by(way, values, dn_key)).find(|found| !found.is_empty()).unwrap_or_default();
        found.sort_unstable();
        found.dedup();
        if found.len() > VALUES_MAX { Vec::new() } else { found }
    }

    fn by<T: AsRef<str> + Clone>(&self, way: &Way, values: &[Vec<T>], dn_key: &str) -> Vec<String> {
        match way {
            Way::Attributes(mapping) => {
                let of = |name: &String| {
                    let slot = self.names.iter().position(|known| known.eq_ignore_ascii_case(name));
                    slot.and_then(|slot| values.get(slot)).cloned().unwrap_or_default()
                };
                let values: Vec<Vec<T>> = mapping.names().iter().map(of).collect();
                mapping.apply(&values).attributes.remove(FIELD).unwrap_or_default()
            }
            Way::Branch(branch) => value_in(branch, dn_key).into_iter().collect(),
        }
    }
}

/// One way in the mapping's own language, compiled as one of its fields.
fn attributes(text: &str) -> Result<Mapping, String> {
    let declared = BTreeMap::from([("username".to_owned(), text.to_owned()), (FIELD.to_owned(), text.to_owned())]);
    Mapping::compile(&declared).map_err(|refused| {
        let more = "`dn:ou=*,dc=example,dc=fr` for a branch of the tree, and `group:PATTERN` with a named capture";
        format!("{}; accepted too are {more}", refused.reason)
    })
}

fn branch_of(text: &str) -> Result<Vec<String>, String> {
    const FORM: &str = "accepted is a DN up to the root in which one value is `*`, such as `dn:ou=*,ou=structures,dc=example,dc=fr`";
    let key = dn::normalise(text).map_err(|error| format!("`{text}` is not a branch: {error}; {FORM}"))?;
    let mut rdns: Vec<String> = rdns(&key).into_iter().map(str::to_owned).collect();
    let stars: Vec<usize> = rdns.iter().enumerate().filter(|(_, rdn)| rdn.ends_with("=*")).map(|(at, _)| at).collect();
    let [star] = stars.as_slice() else { return Err(format!("`{text}` has {} values `*`; {FORM}", stars.len())) };
    if let Some(rdn) = rdns.get_mut(*star) {
        rdn.pop();
    }
    Ok(rdns)
}

/// The value in the place of the star, when the DN ends as the branch does.
fn value_in(branch: &[String], dn_key: &str) -> Option<String> {
    let all = rdns(dn_key);
    let tail = all.get(all.len().checked_sub(branch.len())?..)?;
    let mut taken = None;
    for (wanted, rdn) in branch.iter().zip(tail) {
        if wanted.ends_with('=') {
            // Several values in one RDN name nothing.
            taken = rdn.strip_prefix(wanted.as_str()).filter(|value| !value.is_empty() && !value.contains(['\\', '+']));
            taken?;
        } else if wanted != rdn {
            return None;
        }
    }
    taken.map(str::to_owned)
}

/// The RDNs of a normalised DN, the entry's own first.
fn rdns(dn_key: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, byte) in dn_key.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => {
                found.extend(dn_key.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.extend(dn_key.get(start..).filter(|last| !last.is_empty()));
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str, entry: &[(&str, &[&str])], dn: &str) -> Vec<String> {
        let route = Route::parse(text).unwrap();
        let values = route.names().iter().map(|name| {
            let found = entry.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v).unwrap_or_default();
            found.to_vec()
        });
        route.of(&values.collect::<Vec<_>>(), &dn::normalise(dn).unwrap())
    }

    #[test]
    fn an_attribute_names_one_or_several_establishments() {
        let entry: [(&str, &[&str]); 2] =
            [("supannEtablissement", &["{UAI}0990002B", "{UAI}0990001A", "{SIRET}1", "{UAI}0990001A"]), ("l", &["x"])];
        assert_eq!(of("supannEtablissement{UAI}", &entry, "uid=a,dc=x"), ["0990001A", "0990002B"]);
        assert_eq!(of("ENTPersonStructRattach|{l}-school", &entry, "uid=a,dc=x"), ["x-school"]);
        assert!(of("ENTPersonStructRattach", &entry, "uid=a,dc=x").is_empty());
    }

    #[test]
    fn a_branch_of_the_tree_names_one_however_deep_the_entry_stands_in_it() {
        let route = "dn:ou=*,ou=Structures,dc=x";
        assert_eq!(of(route, &[], "uid=a,ou=People,ou=0990001A,ou=structures,dc=x"), ["0990001a"]);
        assert_eq!(of(route, &[], "ou=0990001A,ou=structures,dc=x"), ["0990001a"]);
        for other in ["uid=a,ou=people,dc=x", "uid=a,ou=0990001A,ou=structures,dc=x,dc=y", "ou=structures,dc=x", "dc=x"] {
            assert!(of(route, &[], other).is_empty(), "{other}");
        }
        assert!(of(route, &[], r"uid=a,ou=a\,b,ou=structures,dc=x").is_empty(), "no establishment is named so");
        assert_eq!(of("uid|dn:ou=*,dc=x", &[], "uid=a,ou=0990001A,dc=x"), ["0990001a"], "the first way that yields something wins");
    }

    #[test]
    fn a_pattern_of_groups_is_the_last_way_and_may_hold_bars() {
        let route = Route::parse("supannEtablissement{UAI} | group:(?<uai>[0-9]{7}[a-z])_(profs|eleves)").unwrap();
        assert_eq!(route.names(), ["supannEtablissement"]);
        assert_eq!(route.group_pattern(), Some("(?<uai>[0-9]{7}[a-z])_(profs|eleves)"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_is_accepted() {
        let refused = |text: &str| Route::parse(text).unwrap_err();
        assert!(refused("").contains("accepted are `attribute`"));
        assert!(refused("supann{").contains("accepted too are `dn:ou=*"));
        assert!(refused("dn:ou=people,dc=x").contains("has 0 values `*`"));
        assert!(refused("dn:ou=*,ou=*,dc=x").contains("has 2 values `*`"));
        assert!(refused("dn:people").contains("not a branch"));
        assert!(refused("group:[0-9]+").contains("names no capture"));
        assert!(refused(&"a".repeat(600)).contains("longer than"));
    }

    #[test]
    fn an_entry_that_names_too_many_names_none() {
        let many: Vec<String> = (0..=VALUES_MAX).map(|n| format!("s{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(of("ou", &[("ou", many.as_slice())], "dc=x").is_empty());
    }

    proptest! {
        #[test]
        fn any_expression_compiles_or_is_refused_and_never_panics(text in "(dn:|group:)?[a-z{}|=*,\\\\ é(?<>)]{0,24}", dn in "\\PC{0,24}") {
            if let Ok(route) = Route::parse(&text) {
                let values = vec![vec![dn.clone()]; route.names().len()];
                route.of(&values, &dn);
            }
        }
    }
}
