//! Texts, and sets of them, each kept once however many records name it.

use std::collections::HashMap;

/// A set of texts.
pub type Set = u32;
/// The set without any.
pub const NONE: Set = 0;

/// Texts and sets of them by number.
#[derive(Debug)]
pub struct Values {
    texts: Vec<Box<str>>,
    by_text: HashMap<Box<str>, u32>,
    sets: Vec<Box<[u32]>>,
    by_set: HashMap<Box<[u32]>, Set>,
}

impl Default for Values {
    fn default() -> Self {
        let none: Box<[u32]> = Box::default();
        Self { texts: Vec::new(), by_text: HashMap::new(), sets: vec![none.clone()], by_set: HashMap::from([(none, NONE)]) }
    }
}

impl Values {
    /// The set of some texts, in whatever order.
    pub fn set_of<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> Set {
        let numbers = texts.into_iter().map(|text| self.number(text)).collect();
        self.set(numbers)
    }

    /// The set of some texts by their numbers.
    pub fn set(&mut self, mut numbers: Vec<u32>) -> Set {
        numbers.sort_unstable();
        numbers.dedup();
        if let Some(known) = self.by_set.get(numbers.as_slice()) {
            return *known;
        }
        let (numbers, set) = (numbers.into_boxed_slice(), number(self.sets.len()));
        self.sets.push(numbers.clone());
        self.by_set.insert(numbers, set);
        set
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(known) = self.by_text.get(text) {
            return *known;
        }
        let new = number(self.texts.len());
        self.texts.push(text.into());
        self.by_text.insert(text.into(), new);
        new
    }

    /// Every text, in the order of their numbers.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }

    /// The numbers of a set's texts.
    pub fn of(&self, set: Set) -> &[u32] {
        self.sets.get(set as usize).map_or(&[], |numbers| numbers)
    }

    /// Every set, in the order of their numbers.
    pub fn sets(&self) -> impl Iterator<Item = &[u32]> {
        self.sets.iter().map(|numbers| &**numbers)
    }
}

/// A place in a list as a number; lists of more than four thousand million are not read.
pub fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_are_one_whatever_their_order() {
        let mut values = Values::default();
        let one = values.set_of(["b", "a", "b"]);
        assert_eq!(values.set_of(["a", "b"]), one);
        assert_eq!(values.set_of([]), NONE);
        assert_ne!(values.set_of(["a"]), one);
        assert_eq!((values.of(one), values.texts().collect::<Vec<_>>()), (&[0, 1][..], vec!["b", "a"]));
    }
}
