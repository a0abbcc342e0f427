//! Which establishments the demo has and who is in them: the three generated ones, or one for each tree of a directory brought along.

use anyhow::Context as _;

use super::Credentials;
use super::password::draw;
use crate::demo::directory::{Entry, ServiceAccount, naming_contexts};
use crate::demo::people::{ESTABLISHMENTS, Establishment, Kind, WellKnown};
use crate::demo::sample::{Function, Moving, Suggestion};
use crate::store::establishment::client::ConsentPolicy;
use crate::types::secret::Secret;
use crate::types::slug::Slug;

/// The profile of entries that follow SUPANN, the French higher-education schema.
const SUPANN: &str = "supann";
/// The profile of other people's entries.
const INETORGPERSON: &str = "inetorgperson";
/// Most trees of a directory brought along.
const TREES_MAX: usize = 10;

/// An establishment to be made.
#[derive(Debug)]
pub struct Planned {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its number.
    pub uai: Option<String>,
    /// Its town.
    pub locality: Option<String>,
    /// What it is; unknown for a directory brought along.
    pub kind: Option<Kind>,
    /// The profile of its entries: `supann`, or `inetorgperson`.
    pub profile: &'static str,
    /// What its source binds as.
    pub account: ServiceAccount,
    /// Whether people are asked before the sample application knows them.
    pub consent: ConsentPolicy,
    /// Who administers it by a rule; a local administrator does where nobody is known.
    pub admin: Option<Credentials>,
    /// Someone whose password is known.
    pub person: Option<Credentials>,
    /// Whom to sign in as.
    pub suggestions: Vec<Suggestion>,
    /// Whom to move.
    pub moving: Option<Moving>,
}

/// The three generated establishments.
///
/// # Errors
/// None that happens: a password of random letters is a password.
pub fn generated() -> anyhow::Result<Vec<Planned>> {
    ESTABLISHMENTS.iter().map(planned).collect()
}

fn planned(at: &Establishment) -> anyhow::Result<Planned> {
    let credentials = |known: &WellKnown| -> anyhow::Result<Credentials> {
        Ok(Credentials { username: known.uid.to_owned(), password: Secret::parse("password", known.password())? })
    };
    let suggestion = |function, known: &WellKnown| Suggestion {
        function,
        name: known.display_name(),
        username: known.uid.to_owned(),
        password: known.password(),
    };
    let (from, to) = at.teacher_groups;
    Ok(Planned {
        slug: at.slug.to_owned(),
        name: at.name.to_owned(),
        uai: Some(at.uai.to_owned()),
        locality: Some(at.locality.to_owned()),
        kind: Some(at.kind),
        profile: SUPANN,
        account: ServiceAccount { dn: at.bind_dn(), password: draw()?, base_dn: at.base_dn() },
        // One asks, so that both can be seen.
        consent: if at.kind == Kind::Lycee { ConsentPolicy::Ask } else { ConsentPolicy::Skip },
        admin: Some(credentials(&at.administrator)?),
        person: Some(credentials(&at.teacher)?),
        suggestions: vec![
            suggestion(Function::Teacher, &at.teacher),
            suggestion(Function::Administrator, &at.administrator),
            suggestion(Function::Pupil, &at.pupil),
        ],
        moving: Some(Moving { person_dn: at.person_dn(at.teacher.uid), from_dn: at.group_dn(from), to_dn: at.group_dn(to) }),
    })
}

/// One establishment for each tree of a directory brought along.
///
/// # Errors
/// A file without entries, or with more trees than the demo has establishments for.
pub fn from_file(entries: &[Entry]) -> anyhow::Result<Vec<Planned>> {
    let tops = naming_contexts(entries)?;
    anyhow::ensure!(!tops.is_empty(), "the file has no entry: give an LDIF file with people and groups");
    anyhow::ensure!(tops.len() <= TREES_MAX, "the file has {} trees, and the demo makes at most {TREES_MAX} establishments", tops.len());
    tops.iter().enumerate().map(|(place, top)| brought(entries, top, place)).collect()
}

fn brought(entries: &[Entry], top: &str, place: usize) -> anyhow::Result<Planned> {
    let entry = entries.iter().find(|entry| entry.dn() == top);
    let name = entry.and_then(|e| e.first("o").or_else(|| e.first("description")).or_else(|| e.first("ou"))).unwrap_or(top);
    let slug = Slug::from_name(name).map_or_else(|_| format!("annuaire-{}", place + 1), |slug| slug.as_str().to_owned());
    let someone = people_of(entries, top).find_map(someone);
    let person = someone.map(|(username, password, name)| -> anyhow::Result<_> {
        let suggestion = Suggestion { function: Function::Anyone, name, username: username.clone(), password: password.clone() };
        Ok((Credentials { username, password: Secret::parse("userPassword", password)? }, suggestion))
    });
    let (person, suggestions) =
        person.transpose().context("reading a password of the file")?.map(|(c, s)| (Some(c), vec![s])).unwrap_or_default();
    Ok(Planned {
        name: name.to_owned(),
        // Two trees of one name must not be one establishment.
        slug: if place == 0 { slug } else { format!("{slug}-{}", place + 1) },
        uai: None,
        locality: None,
        kind: None,
        profile: if people_of(entries, top).any(|e| is(e, "supannPerson")) { SUPANN } else { INETORGPERSON },
        account: ServiceAccount { dn: format!("cn=passerelle,{top}"), password: draw()?, base_dn: top.to_owned() },
        consent: ConsentPolicy::Skip,
        admin: None,
        person,
        suggestions,
        moving: None,
    })
}

/// The entries of a tree that have a user name.
fn people_of<'a>(entries: &'a [Entry], top: &'a str) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(move |entry| entry.dn().ends_with(top) && entry.first("uid").is_some())
}

fn is(entry: &Entry, class: &str) -> bool {
    entry.texts("objectClass").any(|held| held.eq_ignore_ascii_case(class))
}

/// Someone active whose password the file tells in clear.
fn someone(entry: &Entry) -> Option<(String, String, String)> {
    let active = entry.first("supannRessourceEtat").is_none_or(|state| state.starts_with("{COMPTE}A"));
    let password = entry.first("userPassword").filter(|password| active && !password.starts_with('{'))?;
    let username = entry.first("uid")?;
    Some((username.to_owned(), password.to_owned(), entry.first("cn").unwrap_or(username).to_owned()))
}
