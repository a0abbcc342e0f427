//! One entry of the demo's directory as it is given: a name and its attributes. Knows nothing of the wire nor of operational attributes.

use std::fmt;

use super::schema;

/// An attribute and its values, as bytes: a directory holds photographs too.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The description as written, options included (`cn;lang-fr`).
    pub name: String,
    /// The values, in the order given.
    pub values: Vec<Vec<u8>>,
}

/// An entry: a distinguished name and attributes.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    dn: String,
    attributes: Vec<Attribute>,
}

impl Entry {
    /// An entry without attributes yet.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), attributes: Vec::new() }
    }

    /// The same entry with one value more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.push(name, value.as_ref().to_vec());
        self
    }

    /// The same entry with several values more; none leaves the attribute out.
    #[must_use]
    pub fn with_all<V: AsRef<[u8]>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        for value in values {
            self.push(name, value.as_ref().to_vec());
        }
        self
    }

    /// Adds a value; names of attributes compare without letter case.
    pub fn push(&mut self, name: &str, value: Vec<u8>) {
        match self.attributes.iter_mut().find(|a| a.name.eq_ignore_ascii_case(name)) {
            Some(attribute) => attribute.values.push(value),
            None => self.attributes.push(Attribute { name: name.to_owned(), values: vec![value] }),
        }
    }

    /// The distinguished name as written.
    pub fn dn(&self) -> &str {
        &self.dn
    }

    /// Every attribute, in the order given.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The values of an attribute that are text, whatever the options of its description.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let wanted = schema::canonical(name);
        self.attributes
            .iter()
            .filter(move |a| schema::is_type(&a.name, &wanted))
            .flat_map(|a| &a.values)
            .filter_map(|v| std::str::from_utf8(v).ok())
    }

    /// The first value of an attribute, when it is text.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    pub(super) fn into_parts(self) -> (String, Vec<Attribute>) {
        (self.dn, self.attributes)
    }

    pub(super) fn from_parts(dn: String, attributes: Vec<Attribute>) -> Self {
        Self { dn, attributes }
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_list();
        for value in &self.values {
            if schema::is_secret(&self.name) {
                shown.entry(&"…");
            } else {
                shown.entry(&String::from_utf8_lossy(value));
            }
        }
        shown.finish()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_map();
        shown.entry(&"dn", &self.dn);
        for attribute in &self.attributes {
            shown.entry(&attribute.name, attribute);
        }
        shown.finish()
    }
}
