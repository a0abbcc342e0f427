//! Active Directory's primary groups: a membership that stands with the person alone (`primaryGroupID`) and in no group's `member`
//! (MS-ADTS §3.1.1.4.5.16). Here it joins the group's other members: noted while everyone is read, searched for when some groups are.

use std::collections::{BTreeSet, HashMap};

use super::Directory;
use super::ber::{Elements, OCTET_STRING};
use super::connection::Connection;
use super::error::Cause;
use super::guard::Chunk;
use super::range::attributes;
use super::search::{Pages, Query, both};
use crate::dn;
use crate::record::{Kind, Member, Record};

/// What has to be asked for besides; both attributes are stored and indexed.
const NAMES: [&str; 2] = ["objectSid", "primaryGroupID"];
/// A SID's last number (MS-DTYP §2.4.2.2): of an account, its number within the domain.
const NUMBER_BYTES: usize = 4;
/// A SID of an account is shorter; another is none.
const SID_BYTES_MAX: usize = 68;

/// Who is in which group by their own entry: normalised DNs, by the group's SID.
#[derive(Debug, Default)]
pub(super) struct PrimaryGroups(HashMap<Vec<u8>, Vec<String>>);

impl PrimaryGroups {
    /// Takes note of the people of a page, or gives the groups of a page the members noted before. `records` are made of `page`, one each.
    pub(super) fn join(&mut self, kind: Kind, page: &[Chunk], records: &mut [Record]) {
        for (entry, record) in page.iter().flat_map(Chunk::entries).zip(records) {
            match (kind, record) {
                (Kind::Person, Record::Person(person)) => self.note(entry, || Some(person.dn_key.clone())),
                // Someone whose entry cannot be used stays where they were, in this group too.
                (Kind::Person, Record::Unreadable(entry_of)) => {
                    self.note(entry, || dn::normalise(entry_of.dn.as_deref()?).ok());
                }
                (Kind::Group, Record::Group(group)) => {
                    let noted = sid(entry).and_then(|sid| self.0.remove(sid)).unwrap_or_default();
                    if !noted.is_empty() {
                        group.members.extend(noted.into_iter().map(Member::Dn));
                        group.members.sort_unstable();
                        group.members.dedup();
                    }
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, entry: &[u8], dn: impl FnOnce() -> Option<String>) {
        if let Some(group) = group_of(entry)
            && let Some(dn) = dn()
        {
            self.0.entry(group).or_default().push(dn);
        }
    }

    /// Takes note of entries of which nothing but what [`ask`] names was asked.
    fn note_names(&mut self, page: &[Chunk]) {
        for entry in page.iter().flat_map(Chunk::entries) {
            self.note(entry, || dn_key(entry));
        }
    }
}

/// Adds what has to be asked for.
pub(super) fn ask(names: &mut Vec<String>) {
    for name in NAMES {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
}

/// Gives some groups, read apart from everyone, the members that their own entries name. `records` are made of `groups`, one each.
pub(super) async fn complete(
    directory: &Directory,
    connection: &mut Connection,
    groups: &[Chunk],
    records: &mut [Record],
) -> Result<(), Cause> {
    let numbers: BTreeSet<u32> = groups.iter().flat_map(Chunk::entries).filter_map(sid).filter_map(number).collect();
    if numbers.is_empty() || !directory.settings().is_active_directory() {
        return Ok(());
    }
    let numbers = numbers.iter().fold(String::new(), |all, number| all + "(primaryGroupID=" + &number.to_string() + ")");
    let (mut names, mut noted) = (Vec::new(), PrimaryGroups::default());
    ask(&mut names);
    for query in directory.queries(Kind::Person) {
        let filter = both(query.filter, &format!("(|{numbers})"));
        let query = Query { filter: &filter, names: &names, ..query };
        let mut pages = Pages::new();
        while let Some(page) = pages.next(connection, &query).await? {
            noted.note_names(&page);
        }
    }
    noted.join(Kind::Group, groups, records);
    Ok(())
}

/// The SID of the primary group that an entry names: it is of the same domain as the entry itself.
pub(super) fn group_of(entry: &[u8]) -> Option<Vec<u8>> {
    let number: u32 = std::str::from_utf8(value(entry, "primaryGroupID")?).ok()?.trim().parse().ok()?;
    let own = sid(entry)?;
    let domain = own.get(..own.len().checked_sub(NUMBER_BYTES)?)?;
    Some([domain, &number.to_le_bytes()].concat())
}

/// Where an entry stands, normalised.
pub(super) fn dn_key(entry: &[u8]) -> Option<String> {
    dn::normalise(std::str::from_utf8(super::entry::raw_dn(entry)?).ok()?).ok()
}

/// An entry's SID.
fn sid(entry: &[u8]) -> Option<&[u8]> {
    value(entry, "objectSid").filter(|sid| sid.len() > 2 * NUMBER_BYTES && sid.len() <= SID_BYTES_MAX)
}

/// The number of a group within its domain, as `primaryGroupID` writes it.
fn number(sid: &[u8]) -> Option<u32> {
    sid.last_chunk::<NUMBER_BYTES>().copied().map(u32::from_le_bytes)
}

fn value<'a>(entry: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (_, values) = attributes(entry).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
    Elements(values).expect(OCTET_STRING, "").ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::super::ber::{SEQUENCE, write};
    use super::*;
    use crate::record::Group;

    const DOMAIN: [u8; 24] = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    fn entry(dn: &str, number: u32, primary: Option<&str>) -> Vec<u8> {
        let mut list = Vec::new();
        let sid = [DOMAIN.as_slice(), &number.to_le_bytes()].concat();
        let all = [("objectSid", Some(sid.as_slice())), ("primaryGroupID", primary.map(str::as_bytes))];
        for (name, value) in all.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
            let (mut pair, mut set) = (Vec::new(), Vec::new());
            write(OCTET_STRING, value, &mut set);
            write(OCTET_STRING, name.as_bytes(), &mut pair);
            write(0x31, &set, &mut pair);
            write(SEQUENCE, &pair, &mut list);
        }
        let mut whole = Vec::new();
        write(OCTET_STRING, dn.as_bytes(), &mut whole);
        write(SEQUENCE, &list, &mut whole);
        whole
    }

    fn page(entries: &[Vec<u8>]) -> Vec<Chunk> {
        let mut chunk = Chunk::default();
        for entry in entries {
            chunk.push(entry);
        }
        vec![chunk]
    }

    #[test]
    fn people_join_the_group_their_own_entry_names_and_no_other() {
        let people =
            page(&[entry("CN=Anne,DC=x", 1103, Some("513")), entry("CN=Bob,DC=x", 1104, None), entry("CN=Guy,DC=x", 1105, Some("514"))]);
        let mut noted = PrimaryGroups::default();
        noted.note_names(&people);
        let groups = page(&[entry("CN=Domain Users,DC=x", 513, None), entry("CN=Other,DC=x", 1106, None)]);
        let group = |members: &[&str]| {
            let members = members.iter().map(|dn| Member::Dn((*dn).to_owned())).collect();
            let text = String::new;
            Record::Group(Group { external_id: text(), dn: text(), dn_key: text(), name: text(), display_name: None, members })
        };
        let mut records = [group(&["cn=anne,dc=x", "cn=zoe,dc=x"]), group(&[])];
        noted.join(Kind::Group, &groups, &mut records);
        assert_eq!(records, [group(&["cn=anne,dc=x", "cn=zoe,dc=x"]), group(&[])]);
        noted.note_names(&people);
        let mut records = [group(&["cn=zoe,dc=x"]), group(&[])];
        noted.join(Kind::Group, &groups, &mut records);
        assert_eq!(records, [group(&["cn=anne,dc=x", "cn=zoe,dc=x"]), group(&[])]);
    }

    #[test]
    fn a_sid_that_is_none_counts_for_nothing() {
        assert_eq!(number(&513_u32.to_le_bytes()), Some(513));
        assert_eq!(number(&[1]), None);
        assert_eq!(group_of(&entry("CN=x", 1, Some("many"))), None);
        assert_eq!(group_of(&entry("CN=x", 1, Some("513"))).unwrap().last_chunk(), Some(&513_u32.to_le_bytes()));
    }
}
