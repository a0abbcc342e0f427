//! The grammar of filters and of PATCH paths (RFC 7644 §3.4.2.2 figure 1, §3.5.2 figure 7): text in, a tree of words out. What the words mean is not for here.
//!
//! Beside the standard it takes `emails[type eq "work"].value eq "x"`, which Entra ID sends: a test of a part of the selected values.

use serde_json::Value;

use super::resource::excerpt;

/// Longest filter or path, in bytes.
pub const LENGTH_MAX_BYTES: usize = 16_384;
/// Deepest nesting of parentheses, brackets and `not`.
pub const DEPTH_MAX: usize = 32;
/// Most comparisons in one filter.
pub const TERMS_MAX: usize = 256;

/// A filter as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Present(String),
    Compare(String, Operator, Literal),
    /// `path[inner]`, and what stands after it: a test of a part, whose name stands in it.
    Selected(String, Box<Tree>, Option<Box<Tree>>),
}

/// The operators that compare (RFC 7644 table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Truth(bool),
    Null,
    /// As it is written.
    Number(String),
}

/// The path of a PATCH operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) attribute: String,
    pub(super) selected: Option<Tree>,
    /// What stands after the bracket.
    pub(super) sub: Option<String>,
}

/// Reads a filter.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn filter(text: &str) -> Result<Tree, String> {
    let mut reader = Reader::new(text)?;
    let tree = reader.any_of()?;
    reader.end()?;
    Ok(tree)
}

/// Reads a path.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn path(text: &str) -> Result<Path, String> {
    let mut reader = Reader::new(text)?;
    let attribute = reader.word("an attribute")?.to_owned();
    let mut path = Path { attribute, selected: None, sub: None };
    if reader.eat('[') {
        path.selected = Some(reader.nested(']')?);
        if reader.rest().starts_with('.') {
            reader.at += 1;
            path.sub = Some(reader.word("a sub-attribute")?.to_owned());
        }
    }
    reader.end()?;
    Ok(path)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    terms: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, String> {
        if text.len() > LENGTH_MAX_BYTES {
            return Err(format!("longer than {LENGTH_MAX_BYTES} bytes"));
        }
        Ok(Self { text, at: 0, depth: 0, terms: 0 })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.skip();
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// What was looked for, and what stands there instead.
    fn expected<T>(&self, what: &str) -> Result<T, String> {
        let rest = self.rest();
        let place = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        if rest.trim().is_empty() {
            return Err(format!("ends where {what} is expected"));
        }
        Err(format!("{what} is expected at character {place}, where «{}» stands", excerpt(rest)))
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip();
        if self.rest().is_empty() { Ok(()) } else { self.expected("and, or, or the end") }
    }

    /// A run of characters up to a space, a parenthesis, a bracket or a quotation mark.
    fn word(&mut self, what: &str) -> Result<&'a str, String> {
        self.skip();
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "()[]\"".contains(c)).unwrap_or(rest.len());
        match rest.get(..end) {
            Some(word) if !word.is_empty() => {
                self.at += end;
                Ok(word)
            }
            _ => self.expected(what),
        }
    }

    /// Takes a word of the grammar, whatever its letter case.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.skip();
        let Some((head, rest)) = self.rest().split_at_checked(keyword.len()) else { return false };
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || "._-:$[".contains(c));
        let found = ends && head.eq_ignore_ascii_case(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn any_of(&mut self) -> Result<Tree, String> {
        let first = self.all_of()?;
        let mut items = vec![first];
        while self.keyword("or") {
            items.push(self.all_of()?);
        }
        Ok(one_or(items, Tree::Or))
    }

    fn all_of(&mut self) -> Result<Tree, String> {
        let first = self.term()?;
        let mut items = vec![first];
        while self.keyword("and") {
            items.push(self.term()?);
        }
        Ok(one_or(items, Tree::And))
    }

    fn term(&mut self) -> Result<Tree, String> {
        if self.eat('(') {
            return self.nested(')');
        }
        if self.keyword("not") {
            if !self.eat('(') {
                return self.expected("( after not");
            }
            return Ok(Tree::Not(Box::new(self.nested(')')?)));
        }
        let attribute = self.word("an attribute")?.to_owned();
        if !self.rest().starts_with('[') {
            return self.test(attribute);
        }
        self.at += 1;
        let inner = Box::new(self.nested(']')?);
        if !self.rest().starts_with('.') {
            return Ok(Tree::Selected(attribute, inner, None));
        }
        self.at += 1;
        let sub = self.word("a sub-attribute")?.to_owned();
        let test = self.test(sub)?;
        Ok(Tree::Selected(attribute, inner, Some(Box::new(test))))
    }

    /// What is within parentheses or brackets, and their end.
    fn nested(&mut self, closing: char) -> Result<Tree, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX}"));
        }
        self.depth += 1;
        let inner = self.any_of()?;
        self.depth -= 1;
        if self.eat(closing) { Ok(inner) } else { self.expected(&format!("and, or, or «{closing}»")) }
    }

    fn test(&mut self, attribute: String) -> Result<Tree, String> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(format!("more than {TERMS_MAX} comparisons"));
        }
        let before = self.at;
        let word = self.word("an operator")?;
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Tree::Present(attribute));
        }
        let Some(operator) = operator(word) else {
            self.at = before;
            self.skip();
            return self.expected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)");
        };
        Ok(Tree::Compare(attribute, operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, String> {
        self.skip();
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let before = self.at;
        let word = self.word("a value")?;
        let literal = match word.to_ascii_lowercase().as_str() {
            "true" => Some(Literal::Truth(true)),
            "false" => Some(Literal::Truth(false)),
            "null" => Some(Literal::Null),
            _ => serde_json::from_str::<serde_json::Number>(word).ok().map(|_| Literal::Number(word.to_owned())),
        };
        if let Some(literal) = literal {
            Ok(literal)
        } else {
            self.at = before;
            self.expected("a value (a text in quotation marks, a number, true, false or null)")
        }
    }

    /// A text as JSON writes it.
    fn quoted(&mut self) -> Result<Literal, String> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let Some(written) = end.and_then(|(at, _)| rest.get(..=at)) else { return Err("a quotation mark is not closed".to_owned()) };
        let Ok(Value::String(text)) = serde_json::from_str(written) else { return self.expected("a text as JSON writes it") };
        self.at += written.len();
        Ok(Literal::Text(text))
    }
}

fn one_or(mut items: Vec<Tree>, several: fn(Vec<Tree>) -> Tree) -> Tree {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        Some(last) => {
            items.push(last);
            several(items)
        }
        None => several(items),
    }
}

fn operator(word: &str) -> Option<Operator> {
    const OPERATORS: [(&str, Operator); 9] = [
        ("eq", Operator::Eq),
        ("ne", Operator::Ne),
        ("co", Operator::Co),
        ("sw", Operator::Sw),
        ("ew", Operator::Ew),
        ("gt", Operator::Gt),
        ("ge", Operator::Ge),
        ("lt", Operator::Lt),
        ("le", Operator::Le),
    ];
    OPERATORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        let tree = filter(r#"a pr or not (b pr) AND c eq "x""#).unwrap();
        let Tree::Or(items) = tree else { panic!("not an or") };
        assert_eq!(items.len(), 2);
        assert!(matches!(&items[1], Tree::And(both) if matches!(&both[0], Tree::Not(_))));
    }

    #[test]
    fn values_are_those_of_json() {
        let value = |text: &str| match filter(&format!("a eq {text}")) {
            Ok(Tree::Compare(_, _, literal)) => Some(literal),
            _ => None,
        };
        assert_eq!(value(r#""a\"b) and \\""#), Some(Literal::Text(r#"a"b) and \"#.to_owned())));
        assert_eq!(value(r#""\u00c9cole""#), Some(Literal::Text("École".to_owned())));
        assert_eq!(value("True"), Some(Literal::Truth(true)));
        assert_eq!(value("null"), Some(Literal::Null));
        assert_eq!(value("-1.5e3"), Some(Literal::Number("-1.5e3".to_owned())));
        for wrong in ["", "abc", "'x'", "\"x", r#""\q""#, "01", "[1]"] {
            assert_eq!(value(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert_eq!(filter("userName eq").unwrap_err(), "ends where a value is expected");
        assert!(filter("École zz \"x\"").unwrap_err().contains("at character 7"));
        for wrong in
            ["", "a", "a eq \"x\" b", "(a pr", "a pr)", "not a pr", "a[b pr", "and", "a pr and", "a[b pr].c", "[a pr]", "a pr or or b pr"]
        {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hostile_texts_are_refused_without_harm() {
        for deep in ["(".repeat(10_000), "not (".repeat(3_000), "a[".repeat(5_000), format!("{}a pr{}", "(".repeat(33), ")".repeat(33))] {
            assert!(filter(&deep).unwrap_err().contains("deeper"), "{}", &deep[..8]);
            assert!(path(&deep).is_err());
        }
        assert!(filter(&"x".repeat(20_000)).unwrap_err().contains("longer"));
        assert!(filter(&vec!["a pr"; 257].join(" or ")).unwrap_err().contains("comparisons"));
        assert!(filter(&vec!["a pr"; 256].join(" or ")).is_ok());
        assert!(filter(&format!("{}a pr{}", "(".repeat(32), ")".repeat(32))).is_ok());
    }

    #[test]
    fn paths_have_a_selection_and_a_part() {
        let read = path(r#"emails[type eq "work"].value"#).unwrap();
        assert_eq!((read.attribute.as_str(), read.sub.as_deref()), ("emails", Some("value")));
        assert!(path("name.familyName").unwrap().selected.is_none());
        for wrong in ["", "a b", "a[b pr]x", "a[b pr].", "a[]", "a]"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }
}
