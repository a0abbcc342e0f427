//! Patterns and templates of rules: bounded regular expressions over whole values, and the captures that fill a role and a scope.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::types::Invalid;

/// Longest pattern, in characters.
const PATTERN_LENGTH_MAX: usize = 500;
/// Largest compiled pattern, in bytes: bounds memory and the time of a match (SECURITY 30).
const PATTERN_SIZE_MAX_BYTES: usize = 256 * 1024;
/// Sizes that a pattern is tried with, in bytes: the first it fits is what it counts for in its set.
const PATTERN_SIZES_BYTES: [usize; 6] = [8 * 1024, 16 * 1024, 32 * 1024, 64 * 1024, 128 * 1024, PATTERN_SIZE_MAX_BYTES];
/// Most different patterns of a set of rules.
const PATTERNS_MAX: usize = 2_000;
/// Largest set of compiled patterns, in bytes: twice as much as the most patterns of the smallest size take.
const PATTERNS_SIZE_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Longest template and longest expanded role or scope, in characters.
pub const TEMPLATE_LENGTH_MAX: usize = 200;

/// Named captures of one match, by name.
pub type Captures = Vec<(Arc<str>, Arc<str>)>;

/// Whether letter case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    text: String,
    names: Vec<(usize, Arc<str>)>,
    size: usize,
}

/// The patterns of one set of rules, each compiled once however many conditions write it.
#[derive(Debug, Default)]
pub struct Patterns {
    known: HashMap<(String, Case), Arc<Pattern>>,
    size: usize,
}

impl Patterns {
    /// # Errors
    /// As for [`Pattern::compile`], and when the set would be too large.
    pub fn compile(&mut self, field: &str, raw: &str, case: Case) -> Result<Arc<Pattern>, Invalid> {
        let key = (raw.to_owned(), case);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let next = "write one rule with a capture in place of many";
        if self.known.len() >= PATTERNS_MAX {
            return Err(Invalid::new(field, format!("a set of rules has at most {PATTERNS_MAX} different patterns: {next}")));
        }
        let pattern = Arc::new(Pattern::compile(field, raw, case)?);
        if self.size + pattern.size > PATTERNS_SIZE_MAX_BYTES {
            let most = PATTERNS_SIZE_MAX_BYTES / 1024 / 1024;
            return Err(Invalid::new(field, format!("the patterns of a set of rules compile to at most {most} MiB together: {next}")));
        }
        self.size += pattern.size;
        self.known.insert(key, pattern.clone());
        Ok(pattern)
    }
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
        let refuse = |error: regex::Error| match error {
            regex::Error::CompiledTooBig(_) => {
                let most = PATTERN_SIZE_MAX_BYTES / 1024;
                let next = "repeat less, or name fewer letters than \\pL and \\w do, as [A-Z] does";
                Invalid::new(field, format!("«{raw}» is too large, it compiles to more than {most} KiB: {next}"))
            }
            other => Invalid::new(field, format!("«{raw}» is not a pattern: {other}")),
        };
        // Alone first: «a)|(?:b» closes brackets that it did not open, and would escape from the anchors around it.
        build(&composed, case).map_err(refuse)?;
        let (regex, size) = build(&format!(r"\A(?:{composed})\z"), case).map_err(refuse)?;
        let names = regex.capture_names().enumerate().filter_map(|(at, name)| Some((at, Arc::from(name?)))).collect();
        Ok(Self { regex, text: raw.to_owned(), names, size })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
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

/// Compiles, within the smallest size that fits.
fn build(text: &str, case: Case) -> Result<(Regex, usize), regex::Error> {
    let mut last = regex::Error::CompiledTooBig(PATTERN_SIZE_MAX_BYTES);
    for size in PATTERN_SIZES_BYTES {
        let mut builder = RegexBuilder::new(text);
        match builder.size_limit(size).dfa_size_limit(PATTERN_SIZE_MAX_BYTES).case_insensitive(case == Case::Ignored).build() {
            Ok(regex) => return Ok((regex, size)),
            Err(error @ regex::Error::CompiledTooBig(_)) => last = error,
            Err(other) => return Err(other),
        }
    }
    Err(last)
}

/// Two sets of captures as one, when they agree on what both name.
pub fn merged(one: &Captures, other: &Captures) -> Option<Captures> {
    if other.is_empty() || one.is_empty() {
        return Some(if other.is_empty() { one.clone() } else { other.clone() });
    }
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
    fn a_pattern_too_large_is_refused_with_its_place_and_the_limit() {
        let wrong = Pattern::compile("rules[3].when[0].group", r"\pL{20}", Case::Ignored).unwrap_err();
        assert_eq!(wrong.field, "rules[3].when[0].group");
        assert!(wrong.message.contains("256 KiB"), "{}", wrong.message);
        for usual in [
            r"\w+",
            r"(?<kind>\w+)-(?<unit>\w+)",
            r"cn=(?<unit>\w+)-enseignants,.*",
            r"(?<kind>[^-]+)-(?<unit>[^-]+)",
            r"cn=(?<role>[^,]+)-(?<unit>[A-Z0-9-]{2,12}),ou=.*",
            r"\pL+\d{4}",
        ] {
            assert!(Pattern::compile("group", usual, Case::Ignored).is_ok(), "{usual}");
        }
    }

    #[test]
    fn identical_patterns_are_compiled_once_and_different_ones_are_counted() {
        let mut set = Patterns::default();
        let one = set.compile("group", "ens-.+", Case::Ignored).unwrap();
        assert!(Arc::ptr_eq(&one, &set.compile("group", "ens-.+", Case::Ignored).unwrap()));
        assert!(!Arc::ptr_eq(&one, &set.compile("unit", "ens-.+", Case::Exact).unwrap()));
        for n in set.known.len()..PATTERNS_MAX {
            set.compile("group", &format!("g{n}"), Case::Exact).unwrap();
        }
        let wrong = set.compile("rules[9].when[0].unit", "another", Case::Exact).unwrap_err();
        assert!(wrong.field == "rules[9].when[0].unit" && wrong.message.contains("2000 different patterns"), "{wrong}");
        assert!(set.compile("group", "ens-.+", Case::Ignored).is_ok());
    }

    #[test]
    fn large_patterns_count_for_more() {
        let mut set = Patterns::default();
        let taken = (0..PATTERNS_MAX).take_while(|n| set.compile("group", &format!(r"\pL+{n}"), Case::Exact).is_ok()).count();
        assert!((100..PATTERNS_MAX / 2).contains(&taken), "{taken}");
        assert!(set.compile("group", r"\pL+x", Case::Exact).unwrap_err().message.contains("32 MiB"));
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
