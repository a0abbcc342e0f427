//! Messages of a synchronisation → steps, and how the refresh ended. Asks nothing.

use super::table::{self, Flavour, Next, Refresh};
use super::wire::{self, State, SyncDone, SyncInfo, Uuid};
use crate::changes::{Extent, Step};
use crate::ldap::Directory;
use crate::ldap::ber::{Malformed, op};
use crate::ldap::dynamic;
use crate::ldap::guard::Chunk;
use crate::ldap::profile::KeyForm;
use crate::record::Kind;

/// How the sixteen bytes of an entry become the key that the gateway keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// entryUUID: `8-4-4-4-12` (RFC 4530 §2.1).
    EntryUuid,
    /// nsUniqueId: `8-8-8-8`.
    NsUniqueId,
    /// Not at all: the source's key is another attribute.
    Unknown,
}

impl Naming {
    /// As the source's keys and the server's make say.
    pub(super) fn of(directory: &Directory, flavour: Flavour) -> Self {
        let first = directory.entries().key_forms().first().filter(|(_, form)| *form == KeyForm::Uuid);
        match (flavour, first.map(|(name, _)| name.to_ascii_lowercase()).as_deref()) {
            (Flavour::OpenLdap, Some("entryuuid")) => Self::EntryUuid,
            (Flavour::Ds389, Some("nsuniqueid")) => Self::NsUniqueId,
            _ => Self::Unknown,
        }
    }

    /// The attribute that holds the key.
    pub(super) fn attribute(self) -> &'static str {
        match self {
            Self::EntryUuid => "entryUUID",
            Self::NsUniqueId => "nsUniqueId",
            Self::Unknown => "",
        }
    }

    fn key(self, uuid: &Uuid) -> Option<String> {
        let cuts: &[usize] = match self {
            Self::EntryUuid => &[4, 6, 8, 10],
            Self::NsUniqueId => &[4, 8, 12],
            Self::Unknown => return None,
        };
        let mut text = String::with_capacity(36);
        for (at, byte) in uuid.iter().enumerate() {
            if cuts.contains(&at) {
                text.push('-');
            }
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        Some(text)
    }
}

/// What was heard so far of one kind.
pub(super) struct Gathering<'a> {
    directory: &'a Directory,
    kind: Kind,
    flavour: Flavour,
    naming: Naming,
    refresh: Refresh,
    /// A phase ended that named what is present.
    presence: bool,
    /// Something was named by a key that is not ours.
    unnamed: bool,
    /// Groups whose members are to be found by searches, once this one leaves the connection.
    dynamic: Chunk,
    /// Entries to read again, by nsUniqueId: in a refresh 389 Directory Server leaves out what was asked for, keys and locks among it.
    incomplete: Vec<String>,
    /// The refresh is over (`refreshAndPersist`).
    pub(super) refreshed: bool,
    /// The cookie said last.
    pub(super) cookie: Option<String>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(directory: &'a Directory, kind: Kind, flavour: Flavour, since: bool) -> Self {
        Self {
            directory,
            kind,
            flavour,
            naming: Naming::of(directory, flavour),
            refresh: Refresh { since, ..Refresh::default() },
            presence: false,
            unnamed: false,
            dynamic: Chunk::default(),
            incomplete: Vec::new(),
            refreshed: false,
            cookie: None,
        }
    }

    /// How many entries or keys were said.
    pub(super) fn said(&self) -> usize {
        self.refresh.said
    }

    /// True once after something was named that can be told by a comparison of all keys only.
    pub(super) fn take_unnamed(&mut self) -> bool {
        std::mem::take(&mut self.unnamed)
    }

    /// The groups whose members are to be found by searches.
    pub(super) fn take_dynamic(&mut self) -> Option<Chunk> {
        Some(std::mem::take(&mut self.dynamic)).filter(|chunk| chunk.len() > 0)
    }

    /// How many entries are to be read again.
    pub(super) fn incomplete(&self) -> usize {
        self.incomplete.len()
    }

    /// The entries to read again, by nsUniqueId.
    pub(super) fn take_incomplete(&mut self) -> Vec<String> {
        std::mem::take(&mut self.incomplete)
    }

    /// What the messages of a chunk say.
    pub(super) fn steps(&mut self, chunk: &Chunk) -> Result<Vec<Step>, Malformed> {
        let mut steps = Vec::with_capacity(chunk.len());
        for message in chunk.messages() {
            if message.op == op::SEARCH_ENTRY {
                let state = wire::state(message.controls)?;
                match state.state {
                    State::Stated => {
                        self.refresh.said += 1;
                        if self.flavour == Flavour::Ds389 && !self.refreshed {
                            self.incomplete.extend(Naming::NsUniqueId.key(&state.uuid));
                        } else if self.kind == Kind::Group && dynamic::is_dynamic(message.content) {
                            self.dynamic.push(message.content);
                        } else {
                            steps.push(Step::Stated(self.directory.entries().record(self.kind, message.content)));
                        }
                    }
                    State::Present => steps.extend(self.present(&[state.uuid])),
                    State::Gone => steps.extend(self.gone(&[state.uuid])),
                }
                self.cookie = state.cookie.or(self.cookie.take());
            } else if let Some(said) = wire::between(message.content)? {
                self.between(said, &mut steps);
            }
        }
        Ok(steps)
    }

    fn between(&mut self, said: SyncInfo, steps: &mut Vec<Step>) {
        let cookie = match said {
            SyncInfo::NewCookie(cookie) => Some(cookie),
            SyncInfo::PhaseEnd { deletes, cookie, done } => {
                self.presence |= !deletes;
                self.refresh.deletes = deletes;
                self.refreshed |= done;
                if done {
                    self.refresh.cookie.clone_from(&cookie);
                }
                cookie
            }
            SyncInfo::IdSet { deletes, cookie, uuids } => {
                if deletes {
                    steps.extend(self.gone(&uuids));
                } else {
                    steps.extend(self.present(&uuids));
                }
                cookie
            }
        };
        self.cookie = cookie.or(self.cookie.take());
    }

    fn gone(&mut self, uuids: &[Uuid]) -> Vec<Step> {
        let named: Vec<Step> = uuids
            .iter()
            .filter_map(|uuid| self.naming.key(uuid))
            .map(|external_id| Step::Gone { kind: Some(self.kind), external_id })
            .collect();
        self.unnamed |= named.len() < uuids.len();
        named
    }

    fn present(&mut self, uuids: &[Uuid]) -> Option<Step> {
        self.refresh.said += uuids.len();
        let external_ids: Vec<String> = uuids.iter().filter_map(|uuid| self.naming.key(uuid)).collect();
        self.unnamed |= external_ids.len() < uuids.len();
        (!external_ids.is_empty()).then_some(Step::Present { kind: self.kind, external_ids })
    }

    /// How much the refresh said, and since when to ask next, once it is over.
    pub(super) fn decide(&mut self, done: Option<SyncDone>) -> (Extent, Next) {
        if let Some(done) = done {
            self.refresh.cookie = done.cookie;
            self.refresh.deletes = done.refresh_deletes;
        }
        self.refresh.deletes &= !self.presence;
        table::decide(self.flavour, &self.refresh)
    }
}

#[cfg(test)]
mod tests {
    use super::Naming;

    #[test]
    fn keys_are_written_as_each_server_writes_them() {
        let bytes: [u8; 16] = std::array::from_fn(|at| u8::try_from(at * 17).unwrap_or_default());
        assert_eq!(Naming::EntryUuid.key(&bytes).as_deref(), Some("00112233-4455-6677-8899-aabbccddeeff"));
        assert_eq!(Naming::NsUniqueId.key(&bytes).as_deref(), Some("00112233-44556677-8899aabb-ccddeeff"));
        assert_eq!(Naming::Unknown.key(&bytes), None);
    }
}
