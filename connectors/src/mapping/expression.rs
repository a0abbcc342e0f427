//! What stands behind one field: alternatives, selectors and templates, compiled to the places of their attributes. Names no field.

use std::borrow::Cow;

use crate::dn;
use crate::record::regular;
use crate::scim::path::{self, Path};

/// Steps that one selector may take.
const STEPS_MAX: usize = 8;
const FORMS: &str = "accepted are `attribute`, `attribute{LABEL}`, `attribute$2` (a part between dollars), `attribute[key]` and \
    `attribute[key=value]` (bracketed parts), `attribute<ou>` (a part of a DN; `dn` is the entry's own), a template such as \
    `{givenName} {sn}`, and `|` between alternatives";

/// The attributes that declarations name, each once, in the order they are met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(pub(crate) Vec<String>, pub(super) Naming);

/// What stands for an attribute in declarations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The name of an attribute of a directory, with steps after it.
    #[default]
    Attribute,
    /// A path into a SCIM resource, whole.
    Path,
}

impl Names {
    fn slot(&mut self, attribute: &str) -> usize {
        let name = if self.1 == Naming::Path { attribute } else { super::canonical_name(attribute) };
        if let Some(known) = self.0.iter().position(|n| n.eq_ignore_ascii_case(name)) {
            return known;
        }
        self.0.push(name.to_owned());
        self.0.len() - 1
    }
}

/// Alternatives, of which the first that yields something wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression(Vec<Alternative>);

/// One alternative, and the words it was declared by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    text: String,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Every(Selector),
    Template(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    First(Selector),
}

/// An attribute, and what is taken of each of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) slot: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// `{LABEL}`: only values that carry it, without it.
    Label(String),
    /// `$2`: the part between dollars, the first being 1.
    Part(usize),
    /// `[key]`: what stands behind that key in a composite value.
    Field(String),
    /// `[key=value]`: only composite values that say so, whole.
    Where(String, String),
    /// `<ou>`: every value of that type in a DN, from the entry upwards.
    Rdn(String),
}

impl Expression {
    pub(super) fn compile(text: &str, names: &mut Names) -> Result<Self, String> {
        let one = |text: &str, names: &mut Names| {
            let form = form(text, names)?;
            Ok(Alternative { text: text.to_owned(), form })
        };
        let alternatives = text.split('|').map(|part| one(part.trim(), names)).collect::<Result<Vec<_>, String>>()?;
        Ok(Self(alternatives))
    }

    pub(super) fn evaluate<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Vec<String> {
        self.0.iter().map(|alternative| alternative.form.evaluate(values)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// The same, with the words of the alternative that won; of all of them when none did.
    pub(super) fn explain<T: AsRef<str>>(&self, values: &[Vec<T>]) -> (String, Vec<String>) {
        let mut tried = self.0.iter().map(|alternative| (alternative, alternative.form.evaluate(values)));
        match tried.find(|(_, found)| !found.is_empty()) {
            Some((alternative, found)) => (alternative.text.clone(), found),
            None => (self.0.iter().map(|a| a.text.as_str()).collect::<Vec<_>>().join("|"), Vec::new()),
        }
    }

    /// The places of its attributes.
    pub(super) fn slots(&self) -> Vec<usize> {
        self.0.iter().flat_map(|alternative| alternative.form.slots()).collect()
    }

    /// The places of the attributes that decide what comes out: those of the alternative that wins, and of those before it.
    pub(super) fn reached<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Vec<usize> {
        let winner = self.0.iter().position(|alternative| !alternative.form.evaluate(values).is_empty());
        self.0.iter().take(winner.map_or(usize::MAX, |at| at + 1)).flat_map(|alternative| alternative.form.slots()).collect()
    }
}

impl Form {
    fn evaluate<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Vec<String> {
        let of = |slot: usize| values.get(slot).map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::Every(Selector { slot, steps }) if steps.is_empty() => of(*slot).iter().map(|value| value.as_ref().to_owned()).collect(),
            Self::Every(selector) => {
                let taken = of(selector.slot).iter().flat_map(|value| selector.take(value.as_ref()));
                taken.map(Cow::into_owned).collect()
            }
            Self::Template(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => out.push_str(text),
                        Piece::First(selector) => {
                            let mut taken = of(selector.slot).iter().flat_map(|value| selector.take(value.as_ref()));
                            match taken.next() {
                                Some(value) => out.push_str(&value),
                                None => return Vec::new(),
                            }
                        }
                    }
                }
                regular(&out).into_iter().map(Cow::into_owned).collect()
            }
        }
    }

    fn slots(&self) -> Vec<usize> {
        match self {
            Self::Every(selector) => vec![selector.slot],
            Self::Template(pieces) => {
                pieces.iter().filter_map(|p| if let Piece::First(selector) = p { Some(selector.slot) } else { None }).collect()
            }
        }
    }
}

impl Selector {
    /// Reads `attribute` and its steps; `None` when the text is no selector.
    pub(crate) fn parse(text: &str, names: &mut Names) -> Option<Self> {
        if names.1 == Naming::Path {
            return Path::parse(text).map(|_| Self { slot: names.slot(text), steps: Vec::new() });
        }
        let end = text.find(['{', '$', '[', '<']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at_checked(end)?;
        if !super::is_name(name) {
            return None;
        }
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, tail) = Step::parse(rest)?;
            steps.push(step);
            rest = tail;
        }
        (steps.len() <= STEPS_MAX).then(|| Self { slot: names.slot(name), steps })
    }

    /// What is taken of a value: itself, a part of it, several, or nothing.
    pub(crate) fn take<'a>(&self, value: &'a str) -> Vec<Cow<'a, str>> {
        let mut taken = vec![Cow::Borrowed(value)];
        for step in &self.steps {
            taken = taken.into_iter().flat_map(|value| step.take(value)).collect();
        }
        taken
    }
}

impl Step {
    fn parse(text: &str) -> Option<(Self, &str)> {
        let bracketed = |open: char, close: char| text.strip_prefix(open)?.split_once(close);
        if let Some((label, rest)) = bracketed('{', '}') {
            return (!label.contains('{')).then(|| (Self::Label(format!("{{{label}}}")), rest));
        }
        if let Some((kind, rest)) = bracketed('<', '>') {
            return super::is_name(kind).then(|| (Self::Rdn(super::canonical_name(kind).to_ascii_lowercase()), rest));
        }
        if let Some((field, rest)) = bracketed('[', ']') {
            return match field.split_once('=') {
                Some((key, value)) => super::is_name(key).then(|| (Self::Where(key.to_owned(), value.to_owned()), rest)),
                None => super::is_name(field).then(|| (Self::Field(field.to_owned()), rest)),
            };
        }
        let digits = text.strip_prefix('$')?;
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (number, rest) = digits.split_at_checked(end)?;
        let part = number.parse().ok().filter(|part| (1..=99).contains(part))?;
        Some((Self::Part(part), rest))
    }

    fn take<'a>(&self, value: Cow<'a, str>) -> Vec<Cow<'a, str>> {
        let found = match self {
            Self::Label(label) => value
                .split_at_checked(label.len())
                .filter(|(head, _)| head.eq_ignore_ascii_case(label))
                .and_then(|(_, tail)| regular(tail))
                .map(Cow::into_owned),
            Self::Part(number) => value.split('$').nth(number - 1).and_then(regular).map(Cow::into_owned),
            Self::Field(key) => field(&value, key).and_then(regular).map(Cow::into_owned),
            Self::Where(key, wanted) => {
                return if field(&value, key).is_some_and(|found| found.eq_ignore_ascii_case(wanted)) { vec![value] } else { Vec::new() };
            }
            Self::Rdn(kind) => return dn::values(&value, kind).into_iter().map(Cow::Owned).collect(),
        };
        found.map(Cow::Owned).into_iter().collect()
    }
}

/// What stands behind a key in `[key=value][key=value]` (SUPANN's composite syntax).
fn field<'a>(value: &'a str, key: &str) -> Option<&'a str> {
    value.split('[').skip(1).find_map(|part| {
        let (name, found) = part.strip_suffix(']')?.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then_some(found.trim())
    })
}

fn form(text: &str, names: &mut Names) -> Result<Form, String> {
    if let Some(selector) = Selector::parse(text, names) {
        return Ok(Form::Every(selector));
    }
    template(text, names).map(Form::Template)
}

fn template(text: &str, names: &mut Names) -> Result<Vec<Piece>, String> {
    let forms = if names.1 == Naming::Path { path::FORMS } else { FORMS };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else {
            return Err(format!("`{{` is not closed in `{text}`; {forms}"));
        };
        let selector = Selector::parse(name, names).filter(|_| !before.contains('}'));
        let selector = selector.ok_or_else(|| format!("`{name}` is not an attribute name in `{text}`; {forms}"))?;
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::First(selector));
        rest = tail;
    }
    if pieces.is_empty() || rest.contains('}') {
        return Err(format!("`{text}` names no attribute; {forms}"));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}
