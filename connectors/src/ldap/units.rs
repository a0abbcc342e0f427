//! The units that a directory keeps entries of: their names, their titles, and which stands above which. Knows no people.

use std::collections::HashMap;

use ldap3::Scope;

use super::Directory;
use super::ber::{self, Elements};
use super::connection::Connection;
use super::error::{Cause, Error};
use super::fields::Fields;
use super::profile::Profile;
use super::search::{Pages, Query};
use super::settings::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX, Referrals, SettingsError, is_bounded};
use crate::dn;

/// Most units that one directory may state.
const UNITS_MAX: usize = 10_000;

/// Where the entries of units are, and what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// Where they are, everything below included.
    pub base_dns: Vec<String>,
    /// Which entries are units (RFC 4515).
    pub filter: String,
    /// The attribute of their names.
    pub name: String,
    /// The attribute of what people read.
    pub title: String,
    /// The attribute that names the unit above; the entry above is it when there is none.
    pub parent: Option<String>,
}

/// One unit as the directory states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedUnit {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Option<String>,
    /// The name of the unit above.
    pub parent: Option<String>,
}

impl Units {
    /// Reads the settings; none when no base is named.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key.
    pub(super) fn parse(fields: &Fields<'_>, profile: Profile) -> Result<Option<Self>, SettingsError> {
        let base_dns = fields.one_or_more("unit_base_dn")?;
        if base_dns.is_empty() {
            return Ok(None);
        }
        let supann = profile == Profile::Supann;
        let usual = |supannish: &str, plain: &str| if supann { supannish.to_owned() } else { plain.to_owned() };
        let parent = supann.then(|| "supannCodeEntiteParent".to_owned());
        let read = Self {
            base_dns,
            filter: fields.text("unit_filter")?.unwrap_or_else(|| usual("(objectClass=supannEntite)", "(objectClass=organizationalUnit)")),
            name: fields.text("unit_name")?.unwrap_or_else(|| usual("supannCodeEntite", "ou")),
            title: fields.text("unit_title")?.unwrap_or_else(|| "description".to_owned()),
            parent: fields.text("unit_parent")?.or(parent),
        };
        if let Some(error) = read.base_dns.iter().find_map(|base| dn::normalise(base).err()) {
            return Err(fields.refuse("unit_base_dn", &format!("not a DN such as `ou=structures,dc=example,dc=fr`: {error}")));
        }
        if !is_bounded(&read.filter) {
            let why = format!("longer than {FILTER_BYTES_MAX} bytes or nested deeper than {FILTER_DEPTH_MAX}");
            return Err(fields.refuse("unit_filter", &why));
        }
        if ldap3::parse_filter(&read.filter).is_err() {
            return Err(fields.refuse("unit_filter", "not a filter such as `(objectClass=organizationalUnit)` (RFC 4515)"));
        }
        Ok(Some(read))
    }
}

/// One entry: where it stands, and what it says.
struct Found {
    place: String,
    name: String,
    title: Option<String>,
    above: Option<String>,
}

/// Reads every unit; none when the source names no place for them.
pub(super) async fn read(directory: &Directory) -> Result<Option<Vec<StatedUnit>>, Error> {
    let Some(units) = &directory.settings().units else { return Ok(None) };
    let (server, mut connection) = directory.open().await?;
    let found = ask(directory, units, &mut connection).await.map_err(|cause| cause.at(&server))?;
    connection.close().await;
    Ok(Some(tree(found, units.parent.is_some())))
}

async fn ask(directory: &Directory, units: &Units, connection: &mut Connection) -> Result<Vec<Found>, Cause> {
    let settings = directory.settings();
    let names: Vec<String> = [&units.name, &units.title].into_iter().chain(&units.parent).cloned().collect();
    let mut found = Vec::new();
    for base in &units.base_dns {
        let query = Query {
            base,
            scope: Scope::Subtree,
            filter: &units.filter,
            names: &names,
            page_size: settings.page_size,
            limits: settings.limits,
            references_expected: settings.referrals == Referrals::Ignore,
        };
        let mut pages = Pages::new();
        while let Some(page) = pages.next(connection, &query).await? {
            found.extend(page.iter().flat_map(super::guard::Chunk::entries).filter_map(|entry| one(entry, units)));
            if found.len() > UNITS_MAX {
                return Err(Cause::Protocol(format!("more than {UNITS_MAX} entries match `unit_filter`: name fewer")));
            }
        }
    }
    Ok(found)
}

/// An entry taken apart (`SearchResultEntry`, RFC 4511 §4.5.2); none for one that does not say its name.
fn one(entry: &[u8], units: &Units) -> Option<Found> {
    let mut parts = Elements(entry);
    let own = std::str::from_utf8(parts.expect(ber::OCTET_STRING, "").ok()?).ok()?;
    let mut list = Elements(parts.next().ok()??.content);
    let mut said: HashMap<String, String> = HashMap::new();
    while let Some(attribute) = list.next().ok()? {
        let mut pair = Elements(attribute.content);
        let name = String::from_utf8_lossy(pair.expect(ber::OCTET_STRING, "").ok()?).to_lowercase();
        let mut values = Elements(pair.next().ok()??.content);
        if let Some(first) = values.next().ok()?
            && let Ok(text) = std::str::from_utf8(first.content)
            && !text.trim().is_empty()
        {
            said.insert(name, text.trim().to_owned());
        }
    }
    let mut take = |attribute: &str| said.remove(&attribute.to_lowercase());
    let above = units.parent.as_deref().and_then(&mut take);
    let name = take(&units.name)?;
    // Title and name may be one attribute.
    let title = if units.title.eq_ignore_ascii_case(&units.name) { Some(name.clone()) } else { take(&units.title) };
    Some(Found { place: dn::normalise(own).ok()?, name, title, above })
}

/// Who stands above whom: as the attribute says, or the nearest entry above.
fn tree(found: Vec<Found>, by_attribute: bool) -> Vec<StatedUnit> {
    let by_place: HashMap<&str, &str> = found.iter().map(|unit| (unit.place.as_str(), unit.name.as_str())).collect();
    let above = |unit: &Found| {
        let mut place = dn::parent(&unit.place);
        while let Some(here) = place {
            if let Some(name) = by_place.get(here) {
                return Some((*name).to_owned());
            }
            place = dn::parent(here);
        }
        None
    };
    let parents: Vec<Option<String>> =
        found.iter().map(|unit| if by_attribute { unit.above.clone() } else { above(unit) }.filter(|above| *above != unit.name)).collect();
    found.into_iter().zip(parents).map(|(unit, parent)| StatedUnit { name: unit.name, title: unit.title, parent }).collect()
}
