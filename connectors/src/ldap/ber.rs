//! BER read without trust: sizes, depth and the shape of an LDAP message (RFC 4511 §4.1.1), before any decoder sees a byte.
//! It allocates nothing that a peer's length field alone could make large, and never recurses.

/// The longest message accepted, header included.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How deep elements may nest; LDAP itself needs fewer than ten.
pub(crate) const DEPTH_MAX: usize = 64;
/// A message's header: one tag and at most nine bytes of length.
const HEADER_BYTES_MAX: usize = 10;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0a;
const CONTROLS: u8 = 0xa0;
/// Active Directory puts a notice's OID here, outside its operation.
const STRAY_NAME: u8 = 0x8a;

/// Protocol operations (RFC 4511 §4.2 and following), as their tag byte.
pub(crate) mod op {
    pub(crate) const BIND_REQUEST: u8 = 0x60;
    pub(crate) const BIND_RESPONSE: u8 = 0x61;
    pub(crate) const SEARCH_REQUEST: u8 = 0x63;
    pub(crate) const SEARCH_ENTRY: u8 = 0x64;
    pub(crate) const SEARCH_DONE: u8 = 0x65;
    pub(crate) const SEARCH_REFERENCE: u8 = 0x73;
    pub(crate) const EXTENDED_RESPONSE: u8 = 0x78;
    pub(crate) const INTERMEDIATE_RESPONSE: u8 = 0x79;
}

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Announced longer than 64 MiB.
    #[error("it announces a message of {0} bytes, more than the {FRAME_BYTES_MAX} accepted")]
    TooLong(u64),
    /// Nested deeper than 64.
    #[error("it nests elements deeper than {DEPTH_MAX}")]
    TooDeep,
    /// An element reaches beyond the one that holds it.
    #[error("an element is longer than the one that holds it")]
    Overrun,
    /// Indefinite or oversized length, or a long tag, none of which LDAP uses (RFC 4511 §5.1).
    #[error("a length or tag is written in a form LDAP does not use")]
    BadForm,
    /// The bytes begin like a TLS record.
    #[error("it speaks TLS where plain LDAP was expected")]
    Tls,
    /// Not a message at all.
    #[error("it does not speak LDAP (first byte {0:#04x})")]
    NotLdap(u8),
    /// A message whose inner shape is not RFC 4511's.
    #[error("{0}")]
    Shape(&'static str),
}

/// One element: its tag byte and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

/// The elements that stand side by side in a content.
pub(crate) struct Elements<'a>(pub(crate) &'a [u8]);

impl<'a> Elements<'a> {
    /// The next element, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let Some((tag, header, length)) = header(self.0)? else { return Err(Malformed::Overrun) };
        let length = usize::try_from(length).map_err(|_| Malformed::Overrun)?;
        let content = self.0.get(header..).and_then(|rest| rest.get(..length)).ok_or(Malformed::Overrun)?;
        self.0 = self.0.get(header + length..).unwrap_or_default();
        Ok(Some(Element { tag, content }))
    }

    /// The next element, which must be there and have this tag.
    pub(crate) fn expect(&mut self, tag: u8, missing: &'static str) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element.content),
            _ => Err(Malformed::Shape(missing)),
        }
    }
}

/// Tag, length of the header, length of the content; `None` while the header is incomplete.
fn header(bytes: &[u8]) -> Result<Option<(u8, usize, u64)>, Malformed> {
    let (Some(tag), Some(first)) = (bytes.first().copied(), bytes.get(1).copied()) else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed::BadForm);
    }
    if first < 0x80 {
        return Ok(Some((tag, 2, u64::from(first))));
    }
    let octets = usize::from(first & 0x7f);
    if octets == 0 || octets > HEADER_BYTES_MAX - 2 {
        return Err(Malformed::BadForm);
    }
    let Some(length) = bytes.get(2..2 + octets) else { return Ok(None) };
    Ok(Some((tag, 2 + octets, length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))))
}

/// The size of the message that begins here, once its header is complete.
pub(crate) fn frame_size(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    match bytes.first() {
        None => return Ok(None),
        Some(&SEQUENCE) => {}
        // A TLS handshake or alert record.
        Some(0x15 | 0x16) => return Err(Malformed::Tls),
        Some(other) => return Err(Malformed::NotLdap(*other)),
    }
    let Some((_, header, length)) = header(bytes)? else { return Ok(None) };
    match usize::try_from(length) {
        Ok(length) if length <= FRAME_BYTES_MAX - HEADER_BYTES_MAX => Ok(Some(header + length)),
        _ => Err(Malformed::TooLong(length)),
    }
}

/// Appends an element, its length in the long form.
pub(crate) fn write(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    // No element of ours nears 4 GiB: all stem from checked messages, and their number is bounded.
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend([tag, 0x84]);
    out.extend(length.to_be_bytes());
    out.extend_from_slice(content);
}

/// A message whose bounds and shape were checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) id: u32,
    pub(crate) op: u8,
    pub(crate) content: &'a [u8],
}

/// Reads one whole frame: every element within its parent, depth bounded, envelope and result shapes those of RFC 4511.
pub(crate) fn message(frame: &[u8]) -> Result<Message<'_>, Malformed> {
    let body = Elements(frame).expect(SEQUENCE, "a message is not a sequence")?;
    scan(body)?;
    let mut parts = Elements(body);
    let id = integer(parts.expect(INTEGER, "a message has no number")?).ok_or(Malformed::Shape("a message's number is out of range"))?;
    let Some(Element { tag: op, content }) = parts.next()? else { return Err(Malformed::Shape("a message has no operation")) };
    match parts.next()? {
        None => {}
        Some(Element { tag: CONTROLS, content }) => controls(content)?,
        Some(Element { tag: STRAY_NAME, .. }) if id == 0 => {}
        Some(_) => return Err(Malformed::Shape("a message has something other than controls after its operation")),
    }
    if parts.next()?.is_some() {
        return Err(Malformed::Shape("a message has something after its controls"));
    }
    if matches!(op, op::BIND_RESPONSE | op::SEARCH_DONE | op::EXTENDED_RESPONSE) {
        Outcome::read(content)?;
    }
    Ok(Message { id, op, content })
}

fn scan(body: &[u8]) -> Result<(), Malformed> {
    // Where each open element ends, counted in bytes left after it.
    let mut open: Vec<usize> = Vec::with_capacity(8);
    let mut rest = body;
    while !rest.is_empty() {
        while open.last().is_some_and(|end| *end == rest.len()) {
            open.pop();
        }
        let limit = open.last().copied().unwrap_or_default();
        let Some((tag, header, length)) = header(rest)? else { return Err(Malformed::Overrun) };
        let within = rest.len() - limit;
        let length = usize::try_from(length).map_err(|_| Malformed::Overrun)?;
        if header.saturating_add(length) > within {
            return Err(Malformed::Overrun);
        }
        if tag & 0x20 == 0 {
            rest = rest.get(header + length..).unwrap_or_default();
        } else {
            if open.len() + 1 >= DEPTH_MAX {
                return Err(Malformed::TooDeep);
            }
            rest = rest.get(header..).unwrap_or_default();
            open.push(rest.len() - length);
        }
    }
    Ok(())
}

/// A non-negative INTEGER of at most four bytes (`maxInt`, RFC 4511 §4.1.1).
pub(crate) fn integer(content: &[u8]) -> Option<u32> {
    let first = content.first()?;
    (content.len() <= 4 && first & 0x80 == 0).then(|| content.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

fn controls(content: &[u8]) -> Result<(), Malformed> {
    let mut list = Elements(content);
    while let Some(control) = list.next()? {
        if control.tag != SEQUENCE {
            return Err(Malformed::Shape("a control is not a sequence"));
        }
        let mut parts = Elements(control.content);
        utf8(parts.expect(OCTET_STRING, "a control has no name")?)?;
        let mut next = parts.next()?;
        if let Some(Element { tag: BOOLEAN, content }) = next {
            if content.len() != 1 {
                return Err(Malformed::Shape("a control's criticality is not one byte"));
            }
            next = parts.next()?;
        }
        if next.is_some_and(|value| value.tag != OCTET_STRING) || parts.next()?.is_some() {
            return Err(Malformed::Shape("a control has something other than a value"));
        }
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::Shape("a text is not UTF-8"))
}

/// The common part of every answer (`LDAPResult`, RFC 4511 §4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome<'a> {
    pub(crate) code: u32,
    pub(crate) text: &'a str,
}

impl<'a> Outcome<'a> {
    /// Reads and checks the content of an answer.
    pub(crate) fn read(content: &'a [u8]) -> Result<Self, Malformed> {
        let mut parts = Elements(content);
        let code =
            integer(parts.expect(ENUMERATED, "an answer has no code")?).ok_or(Malformed::Shape("an answer's code is out of range"))?;
        utf8(parts.expect(OCTET_STRING, "an answer has no matched DN")?)?;
        let text = utf8(parts.expect(OCTET_STRING, "an answer has no diagnostic text")?)?;
        while let Some(part) = parts.next()? {
            match part.tag {
                0xa3 => {
                    let mut uris = Elements(part.content);
                    while let Some(uri) = uris.next()? {
                        if uri.tag != OCTET_STRING {
                            return Err(Malformed::Shape("a referral is not a text"));
                        }
                        utf8(uri.content)?;
                    }
                }
                0x8a => {
                    utf8(part.content)?;
                }
                0x87 | 0x8b => {}
                _ => return Err(Malformed::Shape("an answer has an unknown part")),
            }
        }
        Ok(Self { code, text })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Malformed, frame_size, message, op};
    use proptest::prelude::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], length.as_slice(), content].concat()
    }

    fn answer(extra: &[u8]) -> Vec<u8> {
        let done = tlv(op::SEARCH_DONE, &[0x0a, 1, 0, 4, 0, 4, 0]);
        tlv(0x30, &[&[2, 1, 7], done.as_slice(), extra].concat())
    }

    #[test]
    fn a_sound_answer_passes() {
        let frame = answer(&tlv(0xa0, &tlv(0x30, &[4, 1, b'1', 1, 1, 0xff, 4, 0])));
        assert_eq!(frame_size(&frame), Ok(Some(frame.len())));
        let read = message(&frame).unwrap();
        assert_eq!((read.id, read.op), (7, op::SEARCH_DONE));
    }

    #[test]
    fn hostile_sizes_are_refused_from_the_header_alone() {
        assert_eq!(frame_size(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Err(Malformed::TooLong(0xffff_ffff)));
        assert_eq!(frame_size(&[0x30, 0x80]), Err(Malformed::BadForm));
        assert_eq!(frame_size(&[0x30, 0x89, 1]), Err(Malformed::BadForm));
        assert_eq!(frame_size(&[0x16, 3]), Err(Malformed::Tls));
        assert_eq!(frame_size(b"SSH-2.0"), Err(Malformed::NotLdap(b'S')));
        assert_eq!(frame_size(&[0x30, 0x82, 1]), Ok(None));
    }

    #[test]
    fn nesting_and_overruns_are_refused() {
        let mut nest = vec![0x04, 0];
        for _ in 0..100_000 {
            let size = u32::try_from(nest.len()).unwrap();
            nest.extend(size.to_be_bytes().iter().rev());
            nest.extend([0x84, 0x30]);
        }
        nest.reverse();
        let nest = [&[2_u8, 1, 1], nest.as_slice()].concat();
        assert!(matches!(message(&tlv(0x30, &nest)), Err(Malformed::TooDeep | Malformed::Overrun)));
        assert_eq!(message(&tlv(0x30, &[2, 1, 1, 0x65, 50, 0x0a, 1, 0])).err(), Some(Malformed::Overrun));
    }

    #[test]
    fn shapes_that_break_decoders_are_refused() {
        for frame in [
            tlv(0x30, &[]),
            tlv(0x30, &[2, 1, 1]),
            tlv(0x30, &[2, 5, 1, 1, 1, 1, 1, 0x65, 0]),
            tlv(0x30, &[2, 1, 1, 0x65, 0]),
            answer(&tlv(0xa0, &[4, 0])),
            answer(&tlv(0xa0, &tlv(0x30, &[]))),
            answer(&tlv(0xa0, &tlv(0x30, &[4, 1, b'1', 1, 0]))),
            answer(&tlv(0x80, &[])),
            answer(&[4, 0]),
        ] {
            assert!(matches!(message(&frame), Err(Malformed::Shape(_))), "{frame:02x?}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_here_never_breaks_the_decoder_behind(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if message(&bytes).is_ok() {
                prop_assert!(lber::Parser::new().parse(&bytes).is_ok());
            }
        }
    }
}
