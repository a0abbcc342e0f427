//! Login names that are built, each someone's for good: whoever has one keeps it, and a homonym who comes later gets a number.

use std::collections::{HashMap, HashSet};

use crate::fold;

/// The numbers tried after a name.
const HOMONYMS_MAX: u32 = 10_000;

/// The login names that are in use already. Those of the source's own people stay theirs, whatever the file says of their names now.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// Key → login name, of the people this source stated before.
    pub given: HashMap<String, String>,
    /// Every login name in use, whoever has it.
    pub taken: HashSet<String>,
}

impl Logins {
    /// Gives a name to everyone who needs one: `(key, name as built)` → key → login name. The order they come in does not count.
    pub(super) fn assign(&self, mut wanted: Vec<(String, String)>, stated: &HashSet<String>) -> HashMap<String, String> {
        // Numbers by their size: the first pupil registered is the one without a number, whatever the order of the rows.
        wanted.sort_by_cached_key(|(key, name)| (name.clone(), key.parse::<u64>().unwrap_or(u64::MAX), key.clone()));
        let mut taken: HashSet<String> = self.taken.iter().chain(stated).map(|name| fold::plain(name)).collect();
        let mut next: HashMap<String, u32> = HashMap::new();
        let mut out = HashMap::with_capacity(wanted.len());
        for (key, name) in wanted {
            if let Some(given) = self.given.get(&key) {
                out.insert(key, given.clone());
                continue;
            }
            let from = next.entry(name.clone()).or_insert(1);
            let free = (*from..HOMONYMS_MAX).find_map(|number| {
                let candidate = if number == 1 { name.clone() } else { format!("{name}{number}") };
                *from = number + 1;
                taken.insert(candidate.clone()).then_some(candidate)
            });
            if let Some(login) = free {
                out.insert(key, login);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{HashMap, HashSet, Logins};

    fn assigned(logins: &Logins, wanted: &[(&str, &str)]) -> Vec<(String, String)> {
        let wanted = wanted.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())).collect();
        let mut out: Vec<(String, String)> = logins.assign(wanted, &HashSet::new()).into_iter().collect();
        out.sort();
        out
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn homonyms_are_numbered_by_their_keys_and_not_by_their_rows() {
        let expected = pairs(&[("10", "a.b2"), ("9", "a.b"), ("x", "a.b3")]);
        assert_eq!(assigned(&Logins::default(), &[("x", "a.b"), ("10", "a.b"), ("9", "a.b")]), expected);
        assert_eq!(assigned(&Logins::default(), &[("9", "a.b"), ("10", "a.b"), ("x", "a.b")]), expected);
    }

    #[test]
    fn a_name_once_given_stays_and_others_go_round_it() {
        let given: HashMap<String, String> = [("10".to_owned(), "a.b".to_owned())].into();
        let taken: HashSet<String> = ["a.b".to_owned(), "A.B2".to_owned()].into();
        let logins = Logins { given, taken };
        assert_eq!(assigned(&logins, &[("9", "a.b"), ("10", "c.d")]), pairs(&[("10", "a.b"), ("9", "a.b3")]));
    }
}
