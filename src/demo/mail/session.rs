//! A conversation with a server that takes letters (RFC 5321), as a pure machine: a line in, an answer out. Sockets, TLS and sign-ins are others'
//! concern.

/// Longest letter kept, in bytes.
pub const LETTER_BYTES_MAX: usize = 1024 * 1024;
/// Most recipients of a letter (RFC 5321 §4.5.3.1.8 asks for 100 at least).
const RECIPIENTS_MAX: usize = 100;

/// A letter as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Whom it is from.
    pub from: String,
    /// Whom it is for.
    pub to: Vec<String>,
    /// Headers and text.
    pub bytes: Vec<u8>,
}

/// What to do after a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Answer, and listen on.
    Answer(String),
    /// Listen on without a word: the letter is still coming.
    Silence,
    /// The letter is whole: keep it, then answer.
    Keep(Envelope, String),
    /// Answer, and close.
    Farewell(String),
}

/// A conversation.
#[derive(Debug)]
pub struct Session {
    extensions: Vec<String>,
    letter: Envelope,
    announced: bool,
    too_large: bool,
}

impl Session {
    /// A conversation with a server that announces these extensions (RFC 5321 §4.1.1.1).
    pub fn new(extensions: &[&str]) -> Self {
        let extensions = extensions.iter().map(|extension| (*extension).to_owned()).collect();
        Self { extensions, letter: Envelope::default(), announced: false, too_large: false }
    }

    /// The first words.
    pub const fn greeting() -> &'static str {
        "220 localhost ready"
    }

    /// Whether the next lines are those of a letter.
    pub const fn is_reading_letter(&self) -> bool {
        self.announced
    }

    /// Hears a line, without its end.
    pub fn hear(&mut self, line: &[u8]) -> Step {
        if self.announced {
            return self.hear_letter(line);
        }
        let line = String::from_utf8_lossy(line).trim().to_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => Step::Answer(self.welcome()),
            "HELO" => Step::Answer("250 localhost".to_owned()),
            "MAIL" => self.from(rest),
            "RCPT" => self.to(rest),
            "DATA" if self.letter.to.is_empty() => Step::Answer("503 name a recipient first".to_owned()),
            "DATA" => {
                self.announced = true;
                Step::Answer("354 end the letter with a dot on a line".to_owned())
            }
            "RSET" => {
                self.letter = Envelope::default();
                Step::Answer("250 forgotten".to_owned())
            }
            "NOOP" => Step::Answer("250 still here".to_owned()),
            "QUIT" => Step::Farewell("221 goodbye".to_owned()),
            _ => Step::Answer("502 not known here".to_owned()),
        }
    }

    fn welcome(&self) -> String {
        let lines: Vec<&str> = std::iter::once("localhost").chain(self.extensions.iter().map(String::as_str)).collect();
        let last = lines.len() - 1;
        let marked = lines.iter().enumerate().map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }));
        marked.collect::<Vec<_>>().join("\r\n")
    }

    fn from(&mut self, rest: &str) -> Step {
        match path(rest, "FROM:") {
            Some(from) => {
                self.letter = Envelope { from, ..Envelope::default() };
                Step::Answer("250 noted".to_owned())
            }
            None => Step::Answer("501 write MAIL FROM:<address>".to_owned()),
        }
    }

    fn to(&mut self, rest: &str) -> Step {
        match path(rest, "TO:") {
            Some(_) if self.letter.to.len() >= RECIPIENTS_MAX => Step::Answer("452 too many recipients".to_owned()),
            Some(to) if !to.is_empty() => {
                self.letter.to.push(to);
                Step::Answer("250 noted".to_owned())
            }
            _ => Step::Answer("501 write RCPT TO:<address>".to_owned()),
        }
    }

    fn hear_letter(&mut self, line: &[u8]) -> Step {
        if line == b"." {
            self.announced = false;
            let letter = std::mem::take(&mut self.letter);
            if std::mem::take(&mut self.too_large) {
                return Step::Answer("552 the letter is too large".to_owned());
            }
            return Step::Keep(letter, "250 kept".to_owned());
        }
        // RFC 5321 §4.5.2: a dot in front was put there by the sender.
        let line = if line.starts_with(b".") { line.get(1..).unwrap_or_default() } else { line };
        if self.letter.bytes.len() + line.len() > LETTER_BYTES_MAX {
            self.too_large = true;
        } else {
            self.letter.bytes.extend_from_slice(line);
            self.letter.bytes.extend_from_slice(b"\r\n");
        }
        Step::Silence
    }
}

/// The address of `FROM:<address> …`.
fn path(rest: &str, word: &str) -> Option<String> {
    let after = rest.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).and(rest.get(word.len()..))?;
    let (address, _) = after.trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_out_as_it_went_in() {
        let mut session = Session::new(&["8BITMIME", "SMTPUTF8"]);
        assert_eq!(session.hear(b"EHLO me"), Step::Answer("250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned()));
        assert!(matches!(session.hear(b"DATA"), Step::Answer(refused) if refused.starts_with("503")));
        for line in [&b"MAIL FROM:<a@b.fr> BODY=8BITMIME"[..], b"rcpt to:<c@d.fr>", b"DATA"] {
            assert!(matches!(session.hear(line), Step::Answer(answer) if answer.starts_with(['2', '3'])));
        }
        for line in [&b"Subject: x"[..], b"", b"..dot"] {
            assert_eq!(session.hear(line), Step::Silence);
        }
        let kept = Envelope { from: "a@b.fr".into(), to: vec!["c@d.fr".into()], bytes: b"Subject: x\r\n\r\n.dot\r\n".to_vec() };
        assert_eq!(session.hear(b"."), Step::Keep(kept, "250 kept".to_owned()));
        assert!(!session.is_reading_letter());
        assert!(matches!(session.hear(b"QUIT"), Step::Farewell(_)));
    }

    #[test]
    fn what_is_too_large_or_not_known_is_refused() {
        let mut session = Session::new(&[]);
        for line in [&b"MAIL FROM:<a@b.fr>"[..], b"RCPT TO:<c@d.fr>", b"DATA"] {
            session.hear(line);
        }
        let line = vec![b'x'; LETTER_BYTES_MAX / 2];
        for _ in 0..3 {
            session.hear(&line);
        }
        assert!(matches!(session.hear(b"."), Step::Answer(refused) if refused.starts_with("552")));
        for line in [&b"VRFY a"[..], b"MAIL a@b.fr", b"\xff\xfe"] {
            assert!(matches!(session.hear(line), Step::Answer(refused) if refused.starts_with('5')));
        }
    }
}
