//! Distinguished names compared: RFC 4514 read, RFC 4518 prepared, written back one way. Looks nothing up.

mod parts;

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

pub use parts::pieces;

/// The longest DN that is looked at, in bytes.
pub const DN_BYTES_MAX: usize = 8 * 1024;
/// Passes after which folding has reached its fixed point: two suffice for every known text.
const FOLD_PASSES_MAX: usize = 4;

/// Why a text is not a DN. Positions count bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// Longer than [`DN_BYTES_MAX`].
    #[error("a DN of {0} bytes is longer than the {DN_BYTES_MAX} accepted")]
    TooLong(usize),
    /// No `=` where an attribute type should end.
    #[error("no attribute=value at byte {0}")]
    NoEquals(usize),
    /// An attribute type that is neither a name nor an OID.
    #[error("`{0}` is not an attribute name")]
    BadType(String),
    /// A lone backslash, bad hexadecimal, an unclosed quote or a character that needs a backslash.
    #[error("a bad escape or a character that needs one at byte {0}")]
    BadEscape(usize),
    /// The value is not UTF-8 once its escapes are read.
    #[error("the value that ends at byte {0} is not UTF-8")]
    NotUtf8(usize),
}

/// The one form under which equal DNs are equal texts: lower-case types by their short names, values folded as caseIgnoreMatch does
/// (RFC 4518), no space around `,` `+` `=`, multi-valued RDNs sorted, canonical escapes.
///
/// # Errors
/// [`DnError`] when the text is not a DN.
pub fn normalise(dn: &str) -> Result<String, DnError> {
    if let Some(plain) = plain(dn).filter(|_| dn.len() <= DN_BYTES_MAX) {
        return Ok(plain);
    }
    written(dn, fold)
}

/// The same form with the letters of values as the directory writes them: what people read, and what rules take captures from.
///
/// # Errors
/// [`DnError`] when the text is not a DN.
pub fn normalise_keeping_case(dn: &str) -> Result<String, DnError> {
    written(dn, |value| squeeze(&value.nfc().collect::<String>()))
}

fn written(dn: &str, prepare: fn(&str) -> String) -> Result<String, DnError> {
    if dn.len() > DN_BYTES_MAX {
        return Err(DnError::TooLong(dn.len()));
    }
    let mut out = String::with_capacity(dn.len());
    if dn.trim().is_empty() {
        return Ok(out);
    }
    let mut reader = Reader { text: dn, at: 0, prepare };
    loop {
        let mut first = reader.pair()?;
        if reader.peek() == Some(b'+') {
            let mut pairs = vec![first];
            while reader.take(b'+') {
                pairs.push(reader.pair()?);
            }
            pairs.sort_unstable();
            pairs.dedup();
            first = pairs.join("+");
        }
        out.push_str(&first);
        if !reader.take(b',') {
            break;
        }
        out.push(',');
    }
    if reader.at < dn.len() { Err(DnError::BadEscape(reader.at)) } else { Ok(out) }
}

/// The short way for the names directories mostly hold: ASCII, well-known types, no escape, no space out of place. `None` for others.
fn plain(dn: &str) -> Option<String> {
    const TYPES: [&[u8]; 8] = [b"uid", b"cn", b"ou", b"dc", b"o", b"c", b"l", b"mail"];
    for rdn in dn.as_bytes().split(|byte| *byte == b',') {
        let equals = rdn.iter().position(|byte| *byte == b'=')?;
        let (kind, value) = (rdn.get(..equals)?, rdn.get(equals + 1..)?);
        let known = TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind));
        let mut space = true;
        for byte in value {
            match byte {
                b' ' if space => return None,
                b' ' => space = true,
                b'!' | b'$'..=b'*' | b'-'..=b':' | b'=' | b'?'..=b'[' | b']'..=b'~' => space = false,
                _ => return None,
            }
        }
        if !known || space {
            return None;
        }
    }
    Some(dn.to_ascii_lowercase())
}

/// What a normalised DN lies right below; `None` at the top.
pub fn parent(dn: &str) -> Option<&str> {
    let ends = dn.match_indices(',').find(|(at, _)| backslashes(dn.get(..*at).unwrap_or_default()).is_multiple_of(2));
    match ends {
        Some((at, _)) => dn.get(at + 1..),
        None => (!dn.is_empty()).then_some(""),
    }
}

/// Whether a normalised DN is another one, or lies below it.
pub fn within(dn: &str, base: &str) -> bool {
    match dn.strip_suffix(base) {
        Some("") => true,
        // A comma that belongs to a value has its backslash before it.
        Some(above) => base.is_empty() || above.strip_suffix(',').is_some_and(|rdns| backslashes(rdns).is_multiple_of(2)),
        None => false,
    }
}

fn backslashes(text: &str) -> usize {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count()
}

/// Every value of one attribute type in a DN, letters as they are written, from the entry upwards. `kind` is a short name in lower case.
/// None of a text that is not a DN.
pub fn values(dn: &str, kind: &str) -> Vec<String> {
    let Ok(canonical) = normalise_keeping_case(dn) else { return Vec::new() };
    let mut reader = Reader { text: &canonical, at: 0, prepare: str::to_owned };
    let mut found = Vec::new();
    while let Some((name, _)) = canonical.get(reader.at..).and_then(|rest| rest.split_once('=')) {
        reader.at += name.len() + 1;
        let value = if reader.peek() == Some(b'#') { reader.hex_value() } else { reader.plain() };
        let Ok(value) = value else { break };
        if name == kind {
            found.push(value);
        }
        reader.at += 1;
    }
    found
}

/// Writes a value so that it can stand in a DN (RFC 4514 §2.4).
pub fn rdn_escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '\0' => out.push_str("\\00"),
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', character]),
            '#' if index == 0 => out.push_str("\\#"),
            ' ' if index == 0 || index == last => out.push_str("\\ "),
            other => out.push(other),
        }
    }
    out
}

/// Writes a value so that it can stand in a search filter (RFC 4515 §3).
pub fn filter_escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for character in value.chars() {
        match character {
            '\0' | '(' | ')' | '*' | '\\' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\{:02x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    prepare: fn(&str) -> String,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// One `type=value`, already in its canonical form.
    fn pair(&mut self) -> Result<String, DnError> {
        self.skip_spaces();
        let start = self.at;
        while self.peek().is_some_and(|b| b != b'=' && b != b',' && b != b'+') {
            self.at += 1;
        }
        let kind = attribute_type(self.text.get(start..self.at).unwrap_or_default().trim_end(), start)?;
        if !self.take(b'=') {
            return Err(DnError::NoEquals(start));
        }
        self.skip_spaces();
        let value = match self.peek() {
            Some(b'#') => self.hex_value()?,
            Some(b'"') => rdn_escape(&(self.prepare)(&self.quoted()?)),
            _ => rdn_escape(&(self.prepare)(&self.plain()?)),
        };
        self.skip_spaces();
        Ok(format!("{kind}={value}"))
    }

    /// RFC 4514 §2.4: an unquoted string, its escapes read, the unescaped spaces at its end dropped.
    fn plain(&mut self) -> Result<String, DnError> {
        let mut bytes = Vec::new();
        let mut kept = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b'+' => break,
                b'"' | b';' => return Err(DnError::BadEscape(self.at)),
                b'\\' => {
                    bytes.push(self.escape()?);
                    kept = bytes.len();
                }
                _ => {
                    bytes.push(byte);
                    self.at += 1;
                    if byte != b' ' {
                        kept = bytes.len();
                    }
                }
            }
        }
        bytes.truncate(kept);
        String::from_utf8(bytes).map_err(|_| DnError::NotUtf8(self.at))
    }

    /// RFC 2253 §4: the older quoted form, which some tools still write.
    fn quoted(&mut self) -> Result<String, DnError> {
        let open = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return Err(DnError::BadEscape(open)),
                Some(b'"') => break,
                Some(b'\\') => bytes.push(self.escape()?),
                Some(byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        String::from_utf8(bytes).map_err(|_| DnError::NotUtf8(self.at))
    }

    /// `\,` or `\2C`, standing at the backslash.
    fn escape(&mut self) -> Result<u8, DnError> {
        let bytes = self.text.as_bytes();
        let (first, second) = (bytes.get(self.at + 1).copied(), bytes.get(self.at + 2).copied());
        if let (Some(high), Some(low)) = (first.and_then(hex), second.and_then(hex)) {
            self.at += 3;
            return Ok(high << 4 | low);
        }
        match first {
            Some(byte @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\')) => {
                self.at += 2;
                Ok(byte)
            }
            _ => Err(DnError::BadEscape(self.at)),
        }
    }

    /// `#` and hexadecimal BER: read as text when it is a short string type, kept as hexadecimal otherwise.
    fn hex_value(&mut self) -> Result<String, DnError> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        while let Some(high) = self.peek().and_then(hex) {
            let low = self.text.as_bytes().get(self.at + 1).copied().and_then(hex).ok_or(DnError::BadEscape(self.at))?;
            bytes.push(high << 4 | low);
            self.at += 2;
        }
        if bytes.is_empty() {
            return Err(DnError::BadEscape(start));
        }
        if let [0x04 | 0x0c | 0x13 | 0x16, length @ 0..=127, text @ ..] = bytes.as_slice()
            && usize::from(*length) == text.len()
            && let Ok(text) = std::str::from_utf8(text)
        {
            return Ok(rdn_escape(&(self.prepare)(text)));
        }
        let mut out = String::from("#");
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
        }
        Ok(out)
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// RFC 4514 §2.3 with the short names of RFC 4519, which servers use in their answers.
fn attribute_type(raw: &str, at: usize) -> Result<String, DnError> {
    let mut name = raw.to_ascii_lowercase();
    if let Some(oid) = name.strip_prefix("oid.") {
        name = oid.to_string();
    }
    if name.is_empty() {
        return Err(DnError::NoEquals(at));
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_') {
        return Err(DnError::BadType(raw.chars().take(64).collect()));
    }
    let short = match name.as_str() {
        "commonname" | "2.5.4.3" => "cn",
        "surname" | "2.5.4.4" => "sn",
        "countryname" | "2.5.4.6" => "c",
        "localityname" | "2.5.4.7" => "l",
        "stateorprovincename" | "2.5.4.8" => "st",
        "organizationname" | "2.5.4.10" => "o",
        "organizationalunitname" | "2.5.4.11" => "ou",
        "userid" | "0.9.2342.19200300.100.1.1" => "uid",
        "domaincomponent" | "0.9.2342.19200300.100.1.25" => "dc",
        "rfc822mailbox" | "0.9.2342.19200300.100.1.3" => "mail",
        _ => return Ok(name),
    };
    Ok(short.to_owned())
}

/// caseIgnoreMatch's preparation (RFC 4518 §2): mapped, folded, NFKC, insignificant spaces squeezed.
fn fold(value: &str) -> String {
    if value.is_ascii() {
        return squeeze(&value.to_ascii_lowercase());
    }
    let mut text = value.to_owned();
    for _ in 0..FOLD_PASSES_MAX {
        let folded = text.nfkc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).nfkc().collect::<String>();
        let next = squeeze(&folded);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// RFC 4518 §2.2 and §2.6.1: every kind of space becomes one space, what cannot be seen goes.
fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            space = true;
        } else if !is_invisible(character) {
            if space && !out.is_empty() {
                out.push(' ');
            }
            space = false;
            out.push(character);
        }
    }
    out
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}')
}

#[cfg(test)]
mod tests;
