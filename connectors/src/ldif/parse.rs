//! LDIF read (RFC 2849): base64, folded lines, comments, records that add. Other changes and values behind URLs are refused. Errors name the line.

use std::collections::HashMap;
use std::fmt;
use std::io::BufRead;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::dn;

/// Longest line once unfolded, in bytes: a photograph fits.
const LINE_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Entries in one file.
const ENTRIES_MAX: usize = 1_000_000;

/// What is wrong with a file, and on which line.
#[derive(Debug, thiserror::Error)]
pub enum LdifError {
    /// The file does not read on.
    #[error("line {line}: the file cannot be read: {source}")]
    Unreadable {
        /// The line reached.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
    /// The line is not what should stand there.
    #[error("line {line}: {reason}")]
    Line {
        /// Where the record's line starts.
        line: usize,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// An entry as a file states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its distinguished name as written.
    pub dn: String,
    /// The same normalised.
    pub dn_key: String,
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its attributes in their order, by their names as written, options included; names compare without letter case.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    fn push(&mut self, name: &str, value: Vec<u8>) {
        match self.attributes.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value),
            None => self.attributes.push((name.to_owned(), vec![value])),
        }
    }
}

/// The entries of a file, in its order.
pub struct Entries<R> {
    lines: Lines<R>,
    seen: HashMap<String, usize>,
    begun: bool,
}

impl<R: BufRead> Entries<R> {
    /// Over a file that begins here.
    pub fn new(file: R) -> Self {
        Self { lines: Lines { file, number: 0, pending: None }, seen: HashMap::new(), begun: false }
    }

    /// The next entry.
    ///
    /// # Errors
    /// `LdifError` with the line, and what to do about it.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, LdifError> {
        let mut current: Option<Entry> = None;
        while let Some((number, line)) = self.lines.next()? {
            let fault = |reason: String| LdifError::Line { line: number, reason };
            if line.is_empty() {
                if current.is_some() {
                    break;
                }
                continue;
            }
            let (name, value) = field(&line).map_err(fault)?;
            let first = !std::mem::replace(&mut self.begun, true);
            if first && name.eq_ignore_ascii_case("version") {
                if value != b"1" {
                    return Err(fault("this LDIF is not of version 1, the only one there is".to_owned()));
                }
                continue;
            }
            match &mut current {
                None => current = Some(self.named(&name, value, number).map_err(fault)?),
                Some(entry) if name.eq_ignore_ascii_case("changetype") => adding(entry, &value).map_err(fault)?,
                Some(entry) => {
                    attribute_name(&name, entry).map_err(fault)?;
                    entry.push(&name, value);
                }
            }
        }
        Ok(current)
    }

    /// The entry that a `dn` line begins.
    fn named(&mut self, name: &str, value: Vec<u8>, line: usize) -> Result<Entry, String> {
        if !name.eq_ignore_ascii_case("dn") {
            return Err(format!("a record begins with its dn, not with «{name}»: is an empty line too many above?"));
        }
        let dn = String::from_utf8(value).map_err(|_| "the dn is not UTF-8: export the file again in UTF-8".to_owned())?;
        if dn.trim().is_empty() {
            return Err("the dn is empty: an entry needs a name".to_owned());
        }
        let dn_key = dn::normalise(&dn).map_err(|error| format!("«{dn}» is not a distinguished name: {error}"))?;
        if let Some(earlier) = self.seen.insert(dn_key.clone(), line) {
            return Err(format!("«{dn}» stands on line {earlier} already: keep one of them"));
        }
        if self.seen.len() > ENTRIES_MAX {
            return Err(format!("the file has more than {ENTRIES_MAX} entries: split it"));
        }
        Ok(Entry { dn, dn_key, line, attributes: Vec::new() })
    }
}

impl<R> fmt::Debug for Entries<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("line", &self.lines.number).finish_non_exhaustive()
    }
}

/// A record of changes that adds an entry is as good as the entry (RFC 2849, `change-add`); others are not.
fn adding(entry: &Entry, change: &[u8]) -> Result<(), String> {
    if change.trim_ascii().eq_ignore_ascii_case(b"add") && entry.attributes.is_empty() {
        Ok(())
    } else {
        Err(of_changes(entry, "changetype"))
    }
}

fn of_changes(entry: &Entry, name: &str) -> String {
    format!("«{}» is a record of changes ({name}): export the entries themselves, for instance with slapcat or ldapsearch -LLL", entry.dn)
}

/// Whether the name may stand inside a record.
fn attribute_name(name: &str, entry: &Entry) -> Result<(), String> {
    match name.to_ascii_lowercase().as_str() {
        "control" => Err(of_changes(entry, name)),
        "dn" => Err("a second dn in one record: an empty line is missing above".to_owned()),
        _ => Ok(()),
    }
}

/// `name: value`, `name:: base64`; `name:< URL` is refused, since a file from elsewhere must not make us read others.
fn field(line: &[u8]) -> Result<(String, Vec<u8>), String> {
    if line == b"-" {
        return Err("«-» belongs to a record of changes: export the entries themselves".to_owned());
    }
    let colon =
        line.iter().position(|b| *b == b':').ok_or("no colon: write «attribute: value», and begin a continued line with a space")?;
    let (name, rest) = line.split_at(colon);
    let name = std::str::from_utf8(name).ok().filter(|name| is_description(name));
    let name = name.ok_or("what stands before the colon is not an attribute's name: letters, digits, «-», «;» and «.» only")?.to_owned();
    let value = match rest.get(1) {
        Some(b':') => {
            let text = rest.get(2..).unwrap_or_default().trim_ascii();
            BASE64_STANDARD
                .decode(text)
                .map_err(|error| format!("the value of {name} is not base64 ({error}): write «{name}: value» for plain text"))?
        }
        Some(b'<') => {
            return Err(format!("{name} points to a URL, which is not followed: write the value itself, in base64 after «{name}::»"));
        }
        _ => rest.get(1..).unwrap_or_default().trim_ascii_start().to_vec(),
    };
    if rest.get(1) != Some(&b':') && value.contains(&0) {
        return Err(format!("the value of {name} holds a zero byte: write it in base64 after «{name}::»"));
    }
    Ok((name, value))
}

/// RFC 4512 §2.5: a type by name or number, then options.
fn is_description(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b';' | b'.' | b'_'))
}

/// Lines without folds, comments left out, each with the number of its first line.
struct Lines<R> {
    file: R,
    number: usize,
    pending: Option<(usize, Vec<u8>)>,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<(usize, Vec<u8>)>, LdifError> {
        loop {
            let first = match self.pending.take() {
                Some(line) => Some(line),
                None => self.physical()?,
            };
            let Some((number, mut line)) = first else { return Ok(None) };
            // An empty line ends a record and is never continued.
            while !line.is_empty() {
                match self.physical()? {
                    Some((_, more)) if more.first() == Some(&b' ') => line.extend_from_slice(more.get(1..).unwrap_or_default()),
                    other => {
                        self.pending = other;
                        break;
                    }
                }
                if line.len() > LINE_MAX_BYTES {
                    return Err(LdifError::Line { line: number, reason: format!("a value is longer than {LINE_MAX_BYTES} bytes") });
                }
            }
            if line.first() == Some(&b' ') {
                let reason = "begins with a space but continues nothing: remove the space, or the empty line above".to_owned();
                return Err(LdifError::Line { line: number, reason });
            }
            if line.first() != Some(&b'#') {
                return Ok(Some((number, line)));
            }
        }
    }

    fn physical(&mut self) -> Result<Option<(usize, Vec<u8>)>, LdifError> {
        let mut line = Vec::new();
        let limit = u64::try_from(LINE_MAX_BYTES).unwrap_or(u64::MAX);
        self.number += 1;
        let read = std::io::Read::take(&mut self.file, limit).read_until(b'\n', &mut line);
        let length = read.map_err(|source| LdifError::Unreadable { line: self.number, source })?;
        if length == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if length >= LINE_MAX_BYTES {
            return Err(LdifError::Line { line: self.number, reason: format!("a line is longer than {LINE_MAX_BYTES} bytes") });
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        // Some editors begin a file with a mark of its encoding.
        if self.number == 1 && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(.."\u{feff}".len());
        }
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, LdifError> {
        let (mut entries, mut out) = (Entries::new(bytes), Vec::new());
        while let Some(entry) = entries.next_entry()? {
            out.push(entry);
        }
        Ok(out)
    }

    fn refused(text: &str) -> String {
        read(text.as_bytes()).map(|_| ()).map_err(|e| e.to_string()).err().unwrap_or_default()
    }

    #[test]
    fn content_records_are_read_whole() {
        let text = "version: 1\n# a comment\n  folded\ndn: uid=a,\n dc=x\r\ncn:: SMOpbMOobmU=\ndescription:\ncn;lang-fr:   Hé\n lène \n\n\n# between\ndn:: dWlkPWIsZGM9eA==\nuid: b";
        let entries = read(text.as_bytes()).unwrap_or_default();
        assert_eq!(entries.iter().map(|e| (e.dn.as_str(), e.line)).collect::<Vec<_>>(), [("uid=a,dc=x", 4), ("uid=b,dc=x", 13)]);
        let value = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
        let expected = vec![value("cn", "Hélène"), value("description", ""), value("cn;lang-fr", "Hélène ")];
        assert_eq!(entries.first().map(|e| e.attributes.clone()), Some(expected));
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        for (text, line, about) in [
            ("dn: dc=x\n\ncn: a\n", 3, "begins with its dn"),
            ("dn: dc=x\nchangetype: modify\n", 2, "record of changes"),
            ("dn: dc=x\njpegPhoto:< file:///etc/passwd\n", 2, "URL"),
            ("dn: dc=x\ncn:: ***\n", 2, "base64"),
            ("dn: dc=x\ncn a\n", 2, "no colon"),
            ("# c\n# d\ndn: nothing\n", 3, "distinguished name"),
            ("dn: dc=x\n\ndn: DC=X\n", 3, "line 1 already"),
            ("dn: dc=x\ncn: a\ndn: dc=y\n", 3, "second dn"),
            ("version: 2\n", 1, "version 1"),
            ("dn: dc=x\n\n cn: a\n", 3, "continues nothing"),
            ("dn:: /w==\n", 1, "UTF-8"),
            ("dn: dc=x\n-\n", 2, "record of changes"),
            ("dn: dc=x\ndc: x\nchangetype: add\n", 3, "record of changes"),
            ("dn:\n", 1, "dn is empty"),
        ] {
            let reason = refused(text);
            assert!(reason.starts_with(&format!("line {line}: ")) && reason.contains(about), "{text:?}: {reason}");
        }
    }

    #[test]
    fn marks_and_empty_files_are_understood() {
        assert_eq!(read(b"dn: dc=x\nchangetype: add\ndc: x\n").map(|e| e.len()).ok(), Some(1), "what adds is an entry");
        assert_eq!(read("\u{feff}dn: dc=x\n".as_bytes()).map(|e| e.len()).ok(), Some(1));
        assert_eq!(read(&b""[..]).map(|e| e.len()).ok(), Some(0));
        assert_eq!(read(&b"version: 1\n\n# nothing\n"[..]).map(|e| e.len()).ok(), Some(0));
    }
}
