//! Patterns and templates of rules: bounded regular expressions over whole values, and the captures that fill a role and a scope.

use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::types::Invalid;

/// Longest pattern, in characters.
const PATTERN_LENGTH_MAX: usize = 500;
/// Largest compiled pattern, in bytes: bounds memory and the time of a match (SECURITY 30).
const PATTERN_SIZE_MAX_BYTES: usize = 1024 * 1024;
/// Longest template and longest expanded role or scope, in characters.
pub const TEMPLATE_LENGTH_MAX: usize = 200;

/// Named captures of one match, by name.
pub type Captures = Vec<(Arc<str>, Arc<str>)>;

/// Whether letter case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It does.
    Exact,
    /// It does not.
    Ignored,
}

/// A regular expression that must match a whole value, in linear time.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    names: Vec<(usize, Arc<str>)>,
}

impl Pattern {
    /// # Errors
    /// `Invalid` with the place of the mistake, or the bound that is passed.
    pub fn compile(field: &str, raw: &str, case: Case) -> Result<Self, Invalid> {
        let length = raw.chars().count();
        if length == 0 || length > PATTERN_LENGTH_MAX {
            return Err(Invalid::new(field, format!("a pattern has 1 to {PATTERN_LENGTH_MAX} characters, this one has {length}")));
        }
        let composed: String = raw.nfc().collect();
        let build = |text: &str| {
            let mut builder = RegexBuilder::new(text);
            builder.size_limit(PATTERN_SIZE_MAX_BYTES).case_insensitive(case == Case::Ignored).build()
        };
        let refuse = |error: regex::Error| Invalid::new(field, format!("«{raw}» is not a pattern: {error}"));
        // Alone first: «a)|(?:b» closes brackets that it did not open, and would escape from the anchors around it.
        build(&composed).map_err(refuse)?;
        let regex = build(&format!(r"\A(?:{composed})\z")).map_err(refuse)?;
        let names = regex.capture_names().enumerate().filter_map(|(at, name)| Some((at, Arc::from(name?)))).collect();
        Ok(Self { regex, names })
    }

    /// Names of its captures.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter().map(|(_, name)| name)
    }

    /// The captures of a whole match. A group that took no part, or matched nothing, is not among them.
    pub fn captures(&self, value: &str) -> Option<Captures> {
        if self.names.is_empty() {
            return self.regex.is_match(value).then(Captures::new);
        }
        let found = self.regex.captures(value)?;
        let taken = |(at, name): &(usize, Arc<str>)| {
            let text = found.get(*at)?.as_str();
            (!text.is_empty()).then(|| (name.clone(), Arc::from(text)))
        };
        let mut captures: Captures = self.names.iter().filter_map(taken).collect();
        captures.sort();
        Some(captures)
    }
}

/// Two sets of captures as one, when they agree on what both name.
pub fn merged(one: &Captures, other: &Captures) -> Option<Captures> {
    let mut all = one.clone();
    for (name, text) in other {
        match one.iter().find(|(known, _)| known == name) {
            Some((_, known)) if known != text => return None,
            Some(_) => {}
            None => all.push((name.clone(), text.clone())),
        }
    }
    all.sort();
    Some(all)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(String),
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Name(name) => write!(f, "{{{name}}}"),
        })
    }
}

/// A role or a scope with `{captures}`; `{{` and `}}` stand for braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// # Errors
    /// `Invalid` when a brace stands alone, a name is empty, or the text is empty or too long.
    pub fn parse(field: &str, raw: &str) -> Result<Self, Invalid> {
        let length = raw.chars().count();
        if length == 0 || length > TEMPLATE_LENGTH_MAX || raw.trim() != raw || raw.chars().any(char::is_control) {
            return Err(Invalid::new(
                field,
                format!("has 1 to {TEMPLATE_LENGTH_MAX} characters, no space at either end and no control characters"),
            ));
        }
        let alone =
            || Invalid::new(field, format!("«{raw}»: a brace stands alone; write {{name}} for a capture, {{{{ or }}}} for a brace"));
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = raw.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '{' | '}' if rest.peek() == Some(&character) => {
                    rest.next();
                    text.push(character);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(letter) if letter.is_alphanumeric() || letter == '_' => name.push(letter),
                            _ => return Err(alone()),
                        }
                    }
                    if name.is_empty() {
                        return Err(alone());
                    }
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Name(name));
                }
                '}' => return Err(alone()),
                other => text.push(other),
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    /// Names of the captures it wants.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| if let Piece::Name(name) = piece { Some(name.as_str()) } else { None })
    }

    /// The text, when it wants no capture.
    pub fn literal(&self) -> Option<String> {
        self.expand(&Captures::new())
    }

    /// The text with captures filled in. Nothing when one is missing: a scope must never come out empty and so hold everywhere.
    pub fn expand(&self, captures: &Captures) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(fixed) => text.push_str(fixed),
                Piece::Name(wanted) => text.push_str(&captures.iter().find(|(name, _)| **name == **wanted)?.1),
            }
        }
        (!text.trim().is_empty() && text.chars().count() <= TEMPLATE_LENGTH_MAX).then_some(text)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn pattern(raw: &str) -> Pattern {
        Pattern::compile("group", raw, Case::Ignored).unwrap()
    }

    #[test]
    fn a_pattern_matches_the_whole_value_only() {
        assert!(pattern("ens|prof").captures("profs").is_none());
        assert!(pattern("ens-.*").captures("ENS-RT").is_some());
        assert!(Pattern::compile("unit", "rt", Case::Exact).unwrap().captures("RT").is_none());
        assert!(pattern("a.*").captures("a\nb").is_none());
    }

    #[test]
    fn patterns_that_escape_or_explode_are_refused() {
        for raw in ["a)|(?:b", "(", "", "((a{200}){200}){200}", "(?<unit>a)(?<unit>b)", r"(a)\1"] {
            assert!(Pattern::compile("group", raw, Case::Ignored).is_err(), "{raw}");
        }
        assert!(Pattern::compile("group", &"a".repeat(501), Case::Ignored).is_err());
    }

    #[test]
    fn captures_keep_the_letters_as_written_and_leave_out_what_is_empty() {
        let found = pattern(r"cn=ens-(?<unit>[A-Z]+),.*?(?<more>x*)").captures("cn=Ens-RT,ou=groups").unwrap();
        assert_eq!(found, [(Arc::from("unit"), Arc::from("RT"))]);
    }

    #[test]
    fn templates_want_every_capture() {
        let template = Template::parse("role", "{role}_{unit}{{}}").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["role", "unit"]);
        let captures: Captures = vec![(Arc::from("role"), Arc::from("Ens"))];
        assert_eq!(template.expand(&captures), None);
        let both = merged(&captures, &vec![(Arc::from("unit"), Arc::from("RT"))]).unwrap();
        assert_eq!(template.expand(&both).as_deref(), Some("Ens_RT{}"));
        assert!(merged(&both, &vec![(Arc::from("unit"), Arc::from("GEII"))]).is_none());
        for raw in ["", "{", "}", "{}", "a {b", "{a b}", " a"] {
            assert!(Template::parse("role", raw).is_err(), "{raw}");
        }
    }
}
