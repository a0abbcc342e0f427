//! A letter as a person reads it: headers and text, decoded. It knows the one form the gateway writes, plain text in one part (RFC 2045, 2047).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::session::Envelope;

/// A letter, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The headers in their order, names in lower case, each on one line.
    pub headers: Vec<(String, String)>,
    /// Whom it was for, as the envelope said.
    pub to: Vec<String>,
    /// The text.
    pub text: String,
}

impl Message {
    /// Decodes a letter; what does not decode is shown as it came.
    pub fn read(letter: &Envelope) -> Self {
        let raw = String::from_utf8_lossy(&letter.bytes);
        let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw.as_ref(), ""));
        let headers: Vec<(String, String)> = unfolded(head)
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_lowercase(), words(value.trim())))
            .collect();
        let mut message = Self { headers, to: letter.to.clone(), text: String::new() };
        let bytes = match message.header("content-transfer-encoding").to_lowercase().as_str() {
            "base64" => BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap_or_else(|_| body.into()),
            "quoted-printable" => quoted_printable(body, false),
            _ => body.into(),
        };
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().clone_into(&mut message.text);
        message
    }

    /// A header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Lines that begin with a space go on the one before (RFC 5322 §2.2.3).
fn unfolded(head: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match lines.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some(last) => last.push_str(line),
            None => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Encoded words (RFC 2047 §2) among plain ones; the space between two encoded ones is not part of the text (§6.2).
fn words(value: &str) -> String {
    let mut out = String::new();
    let mut after_encoded = false;
    let mut rest = value;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        if !(after_encoded && before.trim().is_empty()) {
            out.push_str(before);
        }
        match encoded_word(from) {
            Some((text, left)) => {
                out.push_str(&text);
                (rest, after_encoded) = (left, true);
            }
            None => return out + from,
        }
    }
    out + rest
}

/// The text of an encoded word in UTF-8, and what follows it.
fn encoded_word(from: &str) -> Option<(String, &str)> {
    let (charset, rest) = from.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (text, rest) = rest.split_once("?=")?;
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "b" => BASE64_STANDARD.decode(text).ok()?,
        "q" => quoted_printable(text, true),
        _ => return None,
    };
    charset.eq_ignore_ascii_case("utf-8").then(|| (String::from_utf8_lossy(&bytes).into_owned(), rest))
}

/// RFC 2045 §6.7; in headers an underscore stands for a space (RFC 2047 §4.2).
fn quoted_printable(text: &str, in_header: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'=' => {
                if let Some(left) = after.strip_prefix(b"\r\n") {
                    rest = left;
                    continue;
                }
                let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
                match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                    Some(decoded) => {
                        out.push(decoded);
                        rest = after.get(2..).unwrap_or_default();
                    }
                    None => out.push(byte),
                }
            }
            b'_' if in_header => out.push(b' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> Message {
        Message::read(&Envelope { from: String::new(), to: vec!["a@b.fr".into()], bytes: bytes.as_bytes().to_vec() })
    }

    #[test]
    fn subjects_and_texts_are_decoded() {
        let message = read(
            "Subject: =?utf-8?b?w4lsw6h2ZQ==?=\r\n =?utf-8?Q?s_d=E2=80=99ici?= et\r\n ailleurs\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
             Bonjour =C3=89lo=\r\ndie,\r\n\r\n1 =3D 1\r\n",
        );
        assert_eq!(message.header("subject"), "Élèves d’ici et ailleurs");
        assert_eq!(message.text, "Bonjour Élodie,\n\n1 = 1");
        assert_eq!(read("Content-Transfer-Encoding: base64\r\n\r\nw4lsb2\r\nRpZQ==\r\n").text, "Élodie");
    }

    #[test]
    fn what_does_not_decode_is_shown_as_it_came() {
        assert_eq!(read("Subject: =?x\r\n\r\n=ZZ").header("subject"), "=?x");
        assert_eq!(read("Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ =").text, "=ZZ =");
        assert_eq!(read("no headers at all").text, "");
    }
}
