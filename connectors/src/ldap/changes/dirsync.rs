//! DirSync (MS-ADTS §3.1.1.3.4.1.3): Active Directory names the entries that changed since a cookie, deleted ones too. It takes the right to
//! replicate, and no less: the flag that does without answers an account with no right as if nothing had ever changed.

use std::time::Duration;

use ldap3::LdapResult;
use ldap3::controls::RawControl;

use super::active_directory::{depended_on, naming_context, search};
use super::guid::{self, value};
use super::said::Said;
use super::touched::{Touched, settle};
use super::{Kept, unusable};
use crate::changes::{Bookmark, Extent};
use crate::dn;
use crate::ldap::Directory;
use crate::ldap::ber::{self, Elements, Malformed};
use crate::ldap::connection::{Connection, refusal};
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::rootdse::{self, control};
use crate::ldap::search::{Query, run};
use crate::ldap::settings::Limits;

/// LDAP_DIRSYNC_INCREMENTAL_VALUES: of members, only those that came and went. 0x8000_0000 as the signed number it is sent as.
const INCREMENTAL_VALUES: [u8; 4] = [0x80, 0, 0, 0];
/// Bytes that one answer may hold, as far as the server heeds it.
const ANSWER_BYTES: [u8; 4] = [0, 0x10, 0, 0];
/// Answers of one reading.
const ANSWERS_MAX: usize = 10_000;
/// Entries of one answer.
const ENTRIES_MAX: usize = 100_000;
/// How long it may go through its changes without a word: a little longer than controllers work on one search (MaxQueryDuration).
const SILENCE_MAX: Duration = Duration::from_secs(150);
/// The longest cookie.
const COOKIE_BYTES_MAX: usize = 16 * 1024;

/// What DirSync answers.
struct Answer {
    entries: Vec<Chunk>,
    more: bool,
    cookie: Vec<u8>,
}

impl Answer {
    /// Takes the answer's control apart: whether more follows, a number of no use, the cookie.
    fn read(entries: Vec<Chunk>, answer: &LdapResult) -> Result<Self, Cause> {
        let found = answer.ctrls.iter().find(|ldap3::controls::Control(_, raw)| raw.ctype == control::DIRSYNC);
        let value = found.and_then(|ldap3::controls::Control(_, raw)| raw.val.as_deref());
        let value = value.ok_or(Cause::Malformed(Malformed::Shape("an answer to DirSync has no control of its own")))?;
        let parts = || {
            let mut parts = Elements(Elements(value).expect(ber::SEQUENCE, "the DirSync control is not a sequence")?);
            let more = parts.expect(ber::INTEGER, "the DirSync control does not say whether more follows")?.iter().any(|byte| *byte != 0);
            parts.expect(ber::INTEGER, "the DirSync control has no second number")?;
            Ok((more, parts.expect(ber::OCTET_STRING, "the DirSync control has no cookie")?.to_vec()))
        };
        let (more, cookie) = parts().map_err(Cause::Malformed)?;
        if cookie.is_empty() || cookie.len() > COOKIE_BYTES_MAX {
            return Err(unusable("its DirSync cookie is empty, or longer than any"));
        }
        Ok(Self { entries, more, cookie })
    }
}

/// A cookie of now; none when this account may not replicate, or the server does not know how to.
pub(super) async fn begin(directory: &Directory, connection: &mut Connection, context: &str) -> Result<Option<String>, Cause> {
    // A filter that the root of the naming context alone fits: who sees not even that is shown nothing at all.
    let filter = format!("(distinguishedName={})", dn::filter_escape(context));
    let (names, mut cookie, mut seen) = (["name".to_owned()], Vec::new(), false);
    for _ in 0..ANSWERS_MAX {
        let (entries, answer) = ask(directory, connection, context, (&filter, &names), &cookie).await?;
        if answer.rc != 0 {
            tracing::info!(code = answer.rc, "DirSync is refused to this account: changes are asked for by uSNChanged");
            return Ok(None);
        }
        let answer = Answer::read(entries, &answer)?;
        seen = seen || answer.entries.iter().any(|chunk| chunk.len() > 0);
        cookie = answer.cookie;
        if !answer.more {
            return Ok(seen.then(|| written(&cookie)));
        }
    }
    Ok(None)
}

/// What changed since a bookmark.
pub(super) async fn read(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    let root = rootdse::read(connection, directory.settings().limits).await?;
    let context = naming_context(directory, &root).filter(|_| root.knows(control::DIRSYNC));
    let context = context.ok_or_else(|| unusable("it does not know DirSync, or has no naming context that holds everything"))?;
    let mut cookie = taken(&since.people).ok_or_else(|| unusable("the bookmark holds no DirSync cookie"))?;
    let mut names = depended_on(directory);
    names.extend(["name", "isDeleted", guid::NAME].map(str::to_owned));
    let mut touched = Touched::default();
    let mut more = true;
    let mut answers = 0;
    while more {
        answers += 1;
        if answers > ANSWERS_MAX {
            return Err(unusable("it does not come to an end of what changed"));
        }
        let (entries, answer) = ask(directory, connection, &context, ("(objectClass=*)", &names), &cookie).await?;
        if answer.rc != 0 {
            return Err(refused(answer));
        }
        let answer = Answer::read(entries, &answer)?;
        let deleted = |entry: &[u8]| value(entry, "isDeleted").is_some_and(|value| value.eq_ignore_ascii_case(b"TRUE"));
        // A move states the name again (MS-ADTS §3.1.1.5.4.1.2).
        touched.note_all(&answer.entries, deleted, |entry| value(entry, "name").is_some())?;
        (cookie, more) = (answer.cookie, answer.more);
    }
    settle(directory, connection, &context, touched, said).await?;
    let kept = |next| Kept { extent: Extent::Changes, next: Some(next) };
    Ok((kept(written(&cookie)), kept(String::new())))
}

/// Result codes that come and go are errors; any other means that this cookie leads nowhere.
fn refused(answer: LdapResult) -> Cause {
    match answer.rc {
        3 | 4 | 10 | 11 | 51 | 52 => refusal(answer, "", 0),
        // Active Directory and Samba refuse a cookie as a critical extension they cannot serve (12), and an account that lost its right by 50.
        code => Cause::BookmarkRefused { code, text: answer.text },
    }
}

async fn ask(
    directory: &Directory,
    connection: &mut Connection,
    context: &str,
    (filter, names): (&str, &[String]),
    cookie: &[u8],
) -> Result<(Vec<Chunk>, LdapResult), Cause> {
    connection.ldap.with_controls(request(cookie));
    let query = search(directory, context, filter, names);
    // It goes through everything that changed since the cookie, and of a filter that little fits says nothing meanwhile.
    let limits = Limits { stall: query.limits.stall.max(SILENCE_MAX), ..query.limits };
    match run(connection, &Query { limits, ..query }, ENTRIES_MAX, 0).await {
        Err(Cause::PagingIgnored | Cause::PageTooLarge(_)) => Err(unusable("more changed than it can say at once")),
        other => other,
    }
}

fn request(cookie: &[u8]) -> RawControl {
    let (mut parts, mut value) = (Vec::new(), Vec::new());
    ber::write(ber::INTEGER, &INCREMENTAL_VALUES, &mut parts);
    ber::write(ber::INTEGER, &ANSWER_BYTES, &mut parts);
    ber::write(ber::OCTET_STRING, cookie, &mut parts);
    ber::write(ber::SEQUENCE, &parts, &mut value);
    RawControl { ctype: control::DIRSYNC.to_owned(), crit: true, val: Some(value) }
}

/// A cookie as a bookmark holds it.
fn written(cookie: &[u8]) -> String {
    guid::escaped(cookie).replace('\\', "")
}

fn taken(text: &str) -> Option<Vec<u8>> {
    // `from_str_radix` would take a sign for a digit.
    let sound = |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    let pairs = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(sound)?, 16).ok());
    pairs.collect::<Option<Vec<u8>>>().filter(|cookie| !cookie.is_empty() && cookie.len() <= COOKIE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: Option<Vec<u8>>) -> LdapResult {
        let raw = RawControl { ctype: control::DIRSYNC.to_owned(), crit: false, val: value };
        let (matched, text) = (String::new(), String::new());
        LdapResult { rc: 0, matched, text, refs: Vec::new(), ctrls: vec![ldap3::controls::Control(None, raw)] }
    }

    #[test]
    fn a_cookie_is_kept_as_text_and_taken_up_again() {
        let cookie = vec![0, 0x4d, 0xff, 10];
        assert_eq!(written(&cookie), "004dff0a");
        assert_eq!(taken(&written(&cookie)), Some(cookie));
        assert!(["", "0", "zz", "+1", "é0"].into_iter().all(|text| taken(text).is_none()));
    }

    #[test]
    fn an_answer_says_whether_more_follows_and_anything_else_is_refused() {
        let mut value = Vec::new();
        ber::write(ber::SEQUENCE, &[2, 1, 1, 2, 1, 0, 4, 2, 7, 8], &mut value);
        let found = Answer::read(Vec::new(), &answer(Some(value))).ok().map(|found| (found.more, found.cookie));
        assert_eq!(found, Some((true, vec![7, 8])));
        for value in [None, Some(vec![]), Some(vec![0x30, 0]), Some(vec![0x30, 3, 2, 1, 1]), Some(vec![4, 1, 1])] {
            assert!(matches!(Answer::read(Vec::new(), &answer(value)), Err(Cause::Malformed(_))));
        }
        let empty = Some(vec![0x30, 8, 2, 1, 0, 2, 1, 0, 4, 0]);
        assert!(Answer::read(Vec::new(), &answer(empty)).is_err_and(|cause| cause.bookmark_refused()));
    }

    #[test]
    fn what_passes_by_itself_is_no_fault_of_the_cookie() {
        let of = |rc| refused(LdapResult { rc, ..answer(None) }).bookmark_refused();
        assert!([12, 50, 53, 1, 2].into_iter().all(of));
        assert!(![3, 4, 51, 52].into_iter().any(of));
    }
}
