//! Which establishment a value of a record names, and those that are made because none does. Reads the registry.

use std::collections::HashMap;

use super::super::context::PlatformContext;
use super::super::error::Error;
use super::super::establishments::{self, NewEstablishment};
use super::super::source_routes::{Policy, UAI_MARK, Unknown};
use super::super::sync::{Gathered, Pass};
use crate::store::establishment::sync_run::Mode;
use crate::store::registry::establishment::{Establishment, Filter};
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::uai::Uai;

/// Establishments that one pass makes at most: an expression that yields anything must not make thousands.
const MADE_MAX: usize = 1_000;

/// Every establishment there is.
#[derive(Debug, Default)]
pub struct Places {
    slugs: Vec<String>,
    by_name: HashMap<String, u32>,
}

/// Finds the establishments there are, and makes those that are missing when the source says so. Answers too which could not be made.
///
/// # Errors
/// When the registry fails.
pub async fn of(platform: &PlatformContext, pass: &Pass, gathered: &Gathered) -> Result<(Places, Vec<(String, Error)>), Error> {
    let mut places = Places::default();
    let mut page = PageRequest::first(LIMIT_MAX);
    loop {
        let listed = establishments::list(platform, &page, &Filter::default()).await?;
        listed.items.iter().for_each(|one| places.add(one));
        let Some(cursor) = listed.next_cursor else { break };
        page = PageRequest::parse(Some(LIMIT_MAX), Some(&cursor), None)?;
    }
    let policy = Policy::of(&pass.source().settings).map_err(Error::Invalid)?;
    let mut refused = Vec::new();
    if policy.unknown == Unknown::Create && pass.run().mode != Mode::Preview {
        let missing = places.missing(gathered);
        for (value, uai) in missing.into_iter().take(MADE_MAX) {
            match establishments::create(platform, &new(&policy, &uai)).await {
                Ok(made) => places.add(&made.establishment),
                Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => refused.push((value, error)),
                Err(other) => return Err(other),
            }
        }
    }
    Ok((places, refused))
}

fn new(policy: &Policy, uai: &Uai) -> NewEstablishment {
    let name = policy.new.name.as_deref().unwrap_or(UAI_MARK).replace(UAI_MARK, uai.as_str());
    NewEstablishment {
        name,
        slug: Some(uai.as_str().to_ascii_lowercase()),
        uai: Some(uai.as_str().to_owned()),
        zone: policy.new.zone.clone(),
        // Nobody there is known to write to: whoever is to administer it is invited by an operator.
        send_mail: Some(false),
        ..NewEstablishment::default()
    }
}

impl Places {
    fn add(&mut self, one: &Establishment) {
        let at = u32::try_from(self.slugs.len()).unwrap_or(u32::MAX);
        self.slugs.push(one.slug.clone());
        // Of an establishment that has a UAI, a slug that looks like another one says nothing.
        if one.uai.is_none() || Uai::parse(&one.slug).is_err() {
            self.by_name.insert(one.slug.clone(), at);
        }
        if let Some(uai) = &one.uai {
            self.by_name.insert(uai.clone(), at);
        }
    }

    fn find(&self, value: &str) -> Option<u32> {
        let by_uai = Uai::parse(value).ok().and_then(|uai| self.by_name.get(uai.as_str()));
        by_uai.or_else(|| self.by_name.get(&value.trim().to_lowercase())).copied()
    }

    /// Where each value that records name leads.
    pub fn known(&self, gathered: &Gathered) -> Vec<Option<u32>> {
        gathered.values().map(|value| self.find(value)).collect()
    }

    /// The valid UAIs that no establishment has.
    fn missing(&self, gathered: &Gathered) -> Vec<(String, Uai)> {
        let unknown = gathered.values().filter(|value| self.find(value).is_none());
        unknown.filter_map(|value| Some((value.to_owned(), Uai::parse(value).ok()?))).collect()
    }

    /// The slugs, by place.
    pub fn slugs(&self) -> &[String] {
        &self.slugs
    }
}
