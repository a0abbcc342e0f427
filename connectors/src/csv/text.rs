//! The characters of a spreadsheet: known by a mark at its start, by what fits, or as told. Knows nothing of columns.

use std::borrow::Cow;
use std::fmt;

use crate::ldap::Cause;

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// What Windows wrote in western Europe before.
    Windows1252,
    /// "Unicode text" of spreadsheet programs; known by its mark only.
    Utf16,
}

impl Encoding {
    pub(super) const NAMES: [(&'static str, Option<Self>); 3] =
        [("auto", None), ("utf-8", Some(Self::Utf8)), ("windows-1252", Some(Self::Windows1252))];
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
            Self::Utf16 => "UTF-16",
        })
    }
}

/// A file whose characters are UTF-8 from here on, but for single cells that break it.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) encoding: Encoding,
}

/// Brings a file to UTF-8. A mark at its start counts for more than what is told.
///
/// # Errors
/// The file is a workbook, not text.
pub(super) fn decode(bytes: &[u8], told: Option<Encoding>) -> Result<Text<'_>, Cause> {
    // A workbook of today is a ZIP archive, one of before 2007 an OLE file.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(Cause::Content("this is a workbook (xlsx, ods or xls), not text: save the sheet as CSV".to_owned()));
    }
    let ours = |bytes, encoding| Ok(Text { bytes, encoding });
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return ours(Cow::Borrowed(rest), Encoding::Utf8);
    }
    for (mark, encoding) in [(b"\xff\xfe", encoding_rs::UTF_16LE), (b"\xfe\xff", encoding_rs::UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            return ours(in_utf8(encoding, rest), Encoding::Utf16);
        }
    }
    match told.unwrap_or_else(|| likely(bytes)) {
        Encoding::Windows1252 => ours(in_utf8(encoding_rs::WINDOWS_1252, bytes), Encoding::Windows1252),
        Encoding::Utf8 | Encoding::Utf16 => ours(Cow::Borrowed(bytes), Encoding::Utf8),
    }
}

fn in_utf8<'a>(encoding: &'static encoding_rs::Encoding, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    match encoding.decode_without_bom_handling(bytes).0 {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// One broken cell must not turn a file of UTF-8 into another: the encoding that more of the accents speak for is taken.
fn likely(bytes: &[u8]) -> Encoding {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if broken == 0 || whole > broken { Encoding::Utf8 } else { Encoding::Windows1252 }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Encoding, decode};

    fn read(bytes: &[u8], told: Option<Encoding>) -> (String, Encoding) {
        let text = decode(bytes, told).unwrap();
        (String::from_utf8_lossy(&text.bytes).into_owned(), text.encoding)
    }

    #[test]
    fn the_encoding_is_found() {
        let both = ("Zoë".to_owned(), Encoding::Utf8);
        assert_eq!(read("Zoë".as_bytes(), None), both);
        assert_eq!(read("\u{feff}Zoë".as_bytes(), None), both);
        assert_eq!(read("\u{feff}Zoë".as_bytes(), Some(Encoding::Windows1252)), both, "a mark counts for more");
        assert_eq!(read(b"Zo\xeb \x9cuvre", None), ("Zoë œuvre".to_owned(), Encoding::Windows1252));
        assert_eq!(read(b"\xff\xfeZ\0\xeb\0", None), ("Zë".to_owned(), Encoding::Utf16));
        assert_eq!(read(b"Zo\xc3\xab", Some(Encoding::Windows1252)).0, "ZoÃ«");
        assert_eq!(read(b"plain", None), ("plain".to_owned(), Encoding::Utf8));
    }

    #[test]
    fn one_broken_byte_among_many_accents_does_not_change_the_encoding() {
        let mut bytes = "é;è;à\n".as_bytes().to_vec();
        bytes.extend(b"caf\xe9;x\n");
        assert_eq!(read(&bytes, None).1, Encoding::Utf8);
    }

    #[test]
    fn a_workbook_is_told_apart() {
        let refused = decode(b"PK\x03\x04...", None).map(|_| ()).map_err(|e| e.to_string());
        assert!(refused.is_err_and(|reason| reason.contains("save the sheet as CSV")));
    }
}
