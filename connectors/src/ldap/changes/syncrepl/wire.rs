//! The values of content synchronisation (RFC 4533 §2) as bytes: one request written, three answers read without trust. No meaning here.

use ldap3::controls::RawControl;

use crate::ldap::ber::{self, Element, Elements, Malformed, OCTET_STRING, SEQUENCE};
use crate::ldap::rootdse::control::SYNC_REQUEST;

const SYNC_STATE: &[u8] = b"1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
const SYNC_INFO: &[u8] = b"1.3.6.1.4.1.4203.1.9.1.4";
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0a;
const SET: u8 = 0x31;
/// The longest cookie taken.
pub(super) const COOKIE_BYTES_MAX: usize = 16 * 1024;
/// Keys of one message.
const UUIDS_MAX: usize = 100_000;

/// An entry's key, as this protocol carries it.
pub(super) type Uuid = [u8; 16];

/// How long a search lasts (RFC 4533 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    RefreshOnly = 1,
    RefreshAndPersist = 3,
}

/// What became of an entry (RFC 4533 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Present,
    Stated,
    Gone,
}

/// What comes with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyncState {
    pub(super) state: State,
    pub(super) uuid: Uuid,
    pub(super) cookie: Option<String>,
}

/// What is said between entries (RFC 4533 §2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SyncInfo {
    NewCookie(String),
    /// A phase of the refresh ended: by deletions, or by naming what is present; the last of them when done.
    PhaseEnd {
        deletes: bool,
        cookie: Option<String>,
        done: bool,
    },
    IdSet {
        deletes: bool,
        cookie: Option<String>,
        uuids: Vec<Uuid>,
    },
}

/// What ends a refresh (RFC 4533 §2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SyncDone {
    pub(super) cookie: Option<String>,
    pub(super) refresh_deletes: bool,
}

/// The control that asks for changes; critical, for without it the answer would be a plain search's.
pub(super) fn request(mode: Mode, cookie: Option<&str>) -> RawControl {
    let mut content = vec![ENUMERATED, 1, mode as u8];
    if let Some(cookie) = cookie {
        ber::write(OCTET_STRING, cookie.as_bytes(), &mut content);
    }
    let mut value = Vec::new();
    ber::write(SEQUENCE, &content, &mut value);
    RawControl { ctype: SYNC_REQUEST.to_owned(), crit: true, val: Some(value) }
}

/// The state of an entry, among its controls.
pub(super) fn state(controls: &[u8]) -> Result<SyncState, Malformed> {
    let mut list = Elements(controls);
    while let Some(control) = list.next()? {
        let mut parts = Elements(control.content);
        if parts.expect(OCTET_STRING, "a control has no name")? != SYNC_STATE {
            continue;
        }
        while let Some(part) = parts.next()? {
            if part.tag == OCTET_STRING {
                return state_value(part.content);
            }
        }
    }
    Err(Malformed::Shape("an entry came without its state (RFC 4533)"))
}

fn state_value(value: &[u8]) -> Result<SyncState, Malformed> {
    let mut parts = Elements(Elements(value).expect(SEQUENCE, "an entry's state is not a sequence")?);
    let state = match parts.expect(ENUMERATED, "an entry's state is missing")? {
        [0] => State::Present,
        [1 | 2] => State::Stated,
        [3] => State::Gone,
        _ => return Err(Malformed::Shape("an entry's state is unknown")),
    };
    let uuid = uuid(parts.expect(OCTET_STRING, "an entry's state has no key")?)?;
    let cookie = match parts.next()? {
        None => None,
        Some(Element { tag: OCTET_STRING, content }) => Some(cookie(content)?),
        Some(_) => return Err(Malformed::Shape("an entry's state has an unknown part")),
    };
    Ok(SyncState { state, uuid, cookie })
}

/// What an intermediate message says; `None` when it is about something else.
pub(super) fn between(content: &[u8]) -> Result<Option<SyncInfo>, Malformed> {
    const NAME: u8 = 0x80;
    const VALUE: u8 = 0x81;
    let mut parts = Elements(content);
    let mut value = None;
    while let Some(part) = parts.next()? {
        match part.tag {
            NAME if part.content != SYNC_INFO => return Ok(None),
            NAME => {}
            VALUE => value = Some(part.content),
            _ => return Err(Malformed::Shape("an intermediate message has an unknown part")),
        }
    }
    let value = value.ok_or(Malformed::Shape("a synchronisation message is empty"))?;
    let mut choice = Elements(value);
    let Element { tag, content } = choice.next()?.ok_or(Malformed::Shape("a synchronisation message is empty"))?;
    Ok(Some(match tag {
        0x80 => SyncInfo::NewCookie(cookie(content)?),
        0xa1 | 0xa2 => {
            let (cookie, done, _) = members(content)?;
            SyncInfo::PhaseEnd { deletes: tag == 0xa1, cookie, done: done.unwrap_or(true) }
        }
        0xa3 => {
            let (cookie, deletes, set) = members(content)?;
            let mut set = Elements(set.ok_or(Malformed::Shape("a set of keys is missing"))?);
            let mut uuids = Vec::new();
            while let Some(one) = set.next()? {
                if one.tag != OCTET_STRING || uuids.len() >= UUIDS_MAX {
                    return Err(Malformed::Shape("a set of keys holds something else, or too many"));
                }
                uuids.push(uuid(one.content)?);
            }
            SyncInfo::IdSet { deletes: deletes.unwrap_or(false), cookie, uuids }
        }
        _ => return Err(Malformed::Shape("a synchronisation message is of an unknown kind")),
    }))
}

/// A cookie, a flag, a set of keys.
type Members<'a> = (Option<String>, Option<bool>, Option<&'a [u8]>);

/// The parts that several messages share: a cookie, a flag, a set of keys; each may be absent, none may come twice.
fn members(content: &[u8]) -> Result<Members<'_>, Malformed> {
    let (mut said, mut flag, mut set) = (None, None, None);
    let mut parts = Elements(content);
    while let Some(Element { tag, content }) = parts.next()? {
        let fresh = match tag {
            OCTET_STRING if flag.is_none() && set.is_none() => said.replace(cookie(content)?).is_none(),
            BOOLEAN if content.len() == 1 && set.is_none() => flag.replace(content != [0]).is_none(),
            SET => set.replace(content).is_none(),
            _ => false,
        };
        if !fresh {
            return Err(Malformed::Shape("a synchronisation message has an unknown part"));
        }
    }
    Ok((said, flag, set))
}

/// What the end of a search says, among its controls; `None` when the control is not there.
pub(super) fn done(controls: &[ldap3::controls::Control]) -> Result<Option<SyncDone>, Malformed> {
    let Some(control) = controls.iter().find(|control| control.1.ctype == SYNC_DONE) else { return Ok(None) };
    let Some(value) = control.1.val.as_deref() else { return Ok(Some(SyncDone::default())) };
    let (cookie, flag, set) = members(Elements(value).expect(SEQUENCE, "the end of the refresh is not a sequence")?)?;
    if set.is_some() {
        return Err(Malformed::Shape("the end of the refresh has an unknown part"));
    }
    Ok(Some(SyncDone { cookie, refresh_deletes: flag.unwrap_or(false) }))
}

fn uuid(bytes: &[u8]) -> Result<Uuid, Malformed> {
    Uuid::try_from(bytes).map_err(|_| Malformed::Shape("a key has not sixteen bytes"))
}

fn cookie(bytes: &[u8]) -> Result<String, Malformed> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= COOKIE_BYTES_MAX && !text.contains('\0'));
    text.map(str::to_owned).ok_or(Malformed::Shape("a cookie is not text, or too long"))
}
