//! Groups that are searches (`memberURL`), found out among the entries of the file. One that cannot be is left as it is, and set aside later.

use std::collections::HashMap;

use super::parse::Entry;
use crate::filter::{self, Filter};
use crate::ldap::dynamic::{Asked, URLS_MAX};
use crate::{dn, schema};

/// Members found of all groups together.
const FOUND_MAX: usize = 10_000_000;

/// The searches that groups stand for, and whom they found.
#[derive(Debug, Default)]
pub(super) struct Searches {
    /// By the normalised DN of the group.
    asked: HashMap<String, Result<Vec<Search>, String>>,
    found: HashMap<String, Vec<Vec<u8>>>,
    count: usize,
}

#[derive(Debug)]
struct Search {
    base: String,
    reach: ldap3::Scope,
    filter: Filter,
}

impl Searches {
    /// Notes what a group asks for, when it is a search.
    pub(super) fn ask(&mut self, group: &Entry) {
        let urls: Vec<&[u8]> = urls(group).collect();
        if urls.is_empty() {
            return;
        }
        let searches = if urls.len() > URLS_MAX {
            Err(format!("more than {URLS_MAX} searches"))
        } else {
            urls.iter().map(|url| Search::parse(url)).collect()
        };
        self.asked.insert(group.dn_key.clone(), searches);
    }

    /// Whether there is anything to look for.
    pub(super) fn some(&self) -> bool {
        self.asked.values().any(Result::is_ok)
    }

    /// Looks which groups an entry is a member of.
    pub(super) fn look_at(&mut self, entry: &Entry) {
        for (group, searches) in &self.asked {
            let Ok(searches) = searches else { continue };
            if self.count < FOUND_MAX && searches.iter().any(|search| search.finds(entry)) {
                self.count += 1;
                self.found.entry(group.clone()).or_default().push(entry.dn.clone().into_bytes());
            }
        }
    }

    /// Puts members in the place of searches, or the reason why not.
    pub(super) fn complete(&self, group: &mut Entry) {
        let Some(asked) = self.asked.get(&group.dn_key) else { return };
        let reason = match asked {
            Err(reason) => reason.clone(),
            Ok(_) if self.count >= FOUND_MAX => format!("more than {FOUND_MAX} members in all"),
            Ok(_) => {
                group.attributes.retain(|(name, _)| !is_url(name));
                let found = self.found.get(&group.dn_key).cloned().unwrap_or_default();
                match group.attributes.iter_mut().find(|(name, _)| schema::is_type(name, "member")) {
                    Some((_, named)) => named.extend(found),
                    None => group.attributes.push(("member".to_owned(), found)),
                }
                return;
            }
        };
        for (_, values) in group.attributes.iter_mut().filter(|(name, _)| is_url(name)) {
            *values = vec![reason.clone().into_bytes()];
        }
    }
}

impl Search {
    fn parse(url: &[u8]) -> Result<Self, String> {
        let asked = Asked::parse(url)?;
        let filter = Filter::parse(&asked.filter).map_err(|refused| refused.to_string())?;
        Ok(Self { base: dn::normalise(&asked.base).map_err(|error| error.to_string())?, reach: asked.scope, filter })
    }

    fn finds(&self, entry: &Entry) -> bool {
        let reached = match self.reach {
            ldap3::Scope::Base => entry.dn_key == self.base,
            ldap3::Scope::OneLevel => super::reading::is_right_below(&entry.dn_key, &self.base),
            ldap3::Scope::Subtree => dn::within(&entry.dn_key, &self.base),
        };
        reached && filter::matches(&self.filter, entry) == Some(true)
    }
}

fn is_url(name: &str) -> bool {
    schema::is_type(name, "memberurl")
}

fn urls(group: &Entry) -> impl Iterator<Item = &[u8]> {
    group.attributes.iter().filter(|(name, _)| is_url(name)).flat_map(|(_, values)| values).map(Vec::as_slice)
}
