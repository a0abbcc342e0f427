//! The tree of units: who stands above whom, and whether a role in one unit counts in another. Pure but for reading it.

use std::collections::HashMap;

use super::error::Error;
use crate::store::Tx;
use crate::store::establishment::unit::{self, Place, UNITS_MAX};
use crate::types::id::{SourceId, UnitId};
use crate::types::{Invalid, fold};

/// How many units may stand one above the other.
pub const DEPTH_MAX: usize = 20;
/// Units proposed where a name is not known.
const NEAREST: usize = 3;

/// The units of an establishment, by name.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    places: Vec<Place>,
    by_name: HashMap<String, usize>,
    by_id: HashMap<UnitId, usize>,
}

impl Tree {
    /// The tree as the store has it.
    pub async fn load(tx: &mut Tx) -> Result<Self, Error> {
        Ok(Self::of(unit::list_places(tx).await?))
    }

    /// The tree of these units.
    pub fn of(places: Vec<Place>) -> Self {
        let by_name = places.iter().enumerate().map(|(at, place)| (place.name.clone(), at)).collect();
        let by_id = places.iter().enumerate().map(|(at, place)| (place.id, at)).collect();
        Self { places, by_name, by_id }
    }

    /// Whether there are no units: then their names are anyone's to choose.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Where a unit stands.
    pub fn place(&self, name: &str) -> Option<&Place> {
        self.by_name.get(name).and_then(|at| self.places.get(*at))
    }

    /// Every unit, by name.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Whether there is such a unit.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    fn above(&self, place: &Place) -> Option<&Place> {
        place.parent_id.and_then(|id| self.by_id.get(&id)).and_then(|at| self.places.get(*at))
    }

    /// The names of the units above one, the nearest first; none for a unit at the top and for one that is not known.
    pub fn ancestors(&self, name: &str) -> Vec<&str> {
        let mut above = Vec::new();
        let mut next = self.place(name).and_then(|place| self.above(place));
        // A tree has no cycles; should the store hold one, this ends all the same.
        while let Some(place) = next.filter(|_| above.len() < DEPTH_MAX) {
            above.push(place.name.as_str());
            next = self.above(place);
        }
        above
    }

    /// The names of the units right below one.
    pub fn children(&self, name: &str) -> Vec<&str> {
        let Some(own) = self.place(name).map(|place| place.id) else { return Vec::new() };
        self.places.iter().filter(|place| place.parent_id == Some(own)).map(|place| place.name.as_str()).collect()
    }

    /// A unit and all units below it, by name.
    pub fn within(&self, name: &str) -> Vec<&str> {
        let inside = |place: &&Place| place.name == name || self.ancestors(&place.name).contains(&name);
        self.places.iter().filter(inside).map(|place| place.name.as_str()).collect()
    }

    /// Whether a role held in one scope counts in another. Empty is everywhere, and covers all. `inherits` is what the application says
    /// of roles in the units below.
    pub fn covers(&self, held: &str, asked: &str, inherits: bool) -> bool {
        held.is_empty() || held == asked || (inherits && !asked.is_empty() && self.ancestors(asked).contains(&held))
    }

    /// How many levels a unit and what stands below it take.
    fn height(&self, name: &str) -> usize {
        let own = self.ancestors(name).len();
        self.within(name).into_iter().map(|below| self.ancestors(below).len() + 1 - own).max().unwrap_or(1)
    }

    /// The unit that is to stand above another one, or above a new one when `moved` is none.
    ///
    /// # Errors
    /// `Invalid` with the field `parent`: there is no such unit, it stands below the one that moves, or the tree would be too deep.
    pub fn parent_for(&self, moved: Option<&str>, parent: &str) -> Result<&Place, Invalid> {
        let refused = |why: String| Invalid::new("parent", why);
        let above = self.place(parent).ok_or_else(|| refused(self.unknown(parent)))?;
        if let Some(moved) = moved
            && (moved == parent || self.ancestors(parent).contains(&moved))
        {
            return Err(refused(format!("«{parent}» is «{moved}» itself or stands below it: a unit cannot stand below itself")));
        }
        let depth = self.ancestors(parent).len() + 1 + moved.map_or(1, |moved| self.height(moved));
        if depth > DEPTH_MAX {
            return Err(refused(format!("units stand at most {DEPTH_MAX} deep, and this would be {depth}")));
        }
        Ok(above)
    }

    /// Whether a unit may stand below another one: not below itself, and not too deep.
    pub fn may_stand_below(&self, name: &str, above: &str) -> bool {
        let over = self.ancestors(above);
        self.has(above) && name != above && !over.contains(&name) && over.len() + 1 < DEPTH_MAX
    }

    /// Puts a unit below another one, or at the top.
    pub fn put(&mut self, name: &str, parent: Option<UnitId>) {
        if let Some(place) = self.by_name.get(name).and_then(|at| self.places.get_mut(*at)) {
            place.parent_id = parent;
        }
    }

    /// Whether another unit fits.
    ///
    /// # Errors
    /// `Invalid` when there are as many as there may be.
    pub fn has_room(&self) -> Result<(), Invalid> {
        if self.len() < UNITS_MAX {
            return Ok(());
        }
        Err(Invalid::new("name", format!("an establishment has at most {UNITS_MAX} units: remove some first")))
    }

    /// Whether a unit of someone is one of the tree's. While there are no units, every name is taken.
    ///
    /// # Errors
    /// `Invalid` with this field, which names the units that are most alike.
    pub fn check(&self, field: &str, name: &str) -> Result<(), Invalid> {
        if self.is_empty() || self.has(name) { Ok(()) } else { Err(Invalid::new(field, self.unknown(name))) }
    }

    /// What is told of a name that is not a unit's.
    fn unknown(&self, name: &str) -> String {
        let near = self.nearest(name);
        let advice = if near.is_empty() { "add it first".to_owned() } else { format!("the nearest are {}", near.join(", ")) };
        format!("there is no unit «{name}»: {advice}")
    }

    /// The units whose names are most like one, the nearest first.
    fn nearest(&self, name: &str) -> Vec<&str> {
        let wanted = fold(name);
        let mut near: Vec<(usize, &str)> =
            self.places.iter().map(|place| (distance(&wanted, &fold(&place.name)), place.name.as_str())).collect();
        near.sort_unstable();
        near.into_iter().take(NEAREST).map(|(_, name)| name).collect()
    }

    /// The units that a source states.
    pub fn of_source(&self, source: SourceId) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| place.source_id == Some(source))
    }
}

/// How many letters must be added, taken away or changed to make one word of another (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, wanted) in row.iter().skip(1).zip(&other) {
            left = (corner + usize::from(letter != *wanted)).min(left + 1).min(above + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    /// A tree of `name < parent` lines, those above first.
    fn tree_of(lines: &[(&str, Option<&str>)]) -> Tree {
        let mut places: Vec<Place> = Vec::new();
        for (name, parent) in lines {
            let parent_id = parent.map(|parent| places.iter().find(|p| p.name == parent).unwrap().id);
            places.push(Place { id: UnitId::new(), name: (*name).to_owned(), parent_id, source_id: None });
        }
        Tree::of(places)
    }

    fn iut() -> Tree {
        tree_of(&[("IUT", None), ("RT", Some("IUT")), ("GEII", Some("IUT")), ("RT1", Some("RT")), ("UFR", None)])
    }

    #[test]
    fn a_role_covers_its_own_unit_and_with_inheritance_those_below() {
        let tree = iut();
        for (held, asked, plain, inherited) in [
            ("", "RT", true, true),
            ("", "", true, true),
            ("RT", "RT", true, true),
            ("RT", "RT1", false, true),
            ("IUT", "RT1", false, true),
            ("RT1", "RT", false, false),
            ("GEII", "RT1", false, false),
            ("UFR", "RT", false, false),
            ("RT", "", false, false),
            ("ailleurs", "ailleurs", true, true),
            ("ailleurs", "RT", false, false),
            ("RT", "ailleurs", false, false),
        ] {
            assert_eq!(tree.covers(held, asked, false), plain, "{held} → {asked}");
            assert_eq!(tree.covers(held, asked, true), inherited, "{held} → {asked}, inherited");
        }
    }

    #[test]
    fn the_tree_is_walked_both_ways() {
        let tree = iut();
        assert_eq!(tree.ancestors("RT1"), ["RT", "IUT"]);
        assert!(tree.ancestors("IUT").is_empty() && tree.ancestors("nulle part").is_empty());
        assert_eq!(tree.children("IUT"), ["RT", "GEII"]);
        assert_eq!(tree.within("IUT"), ["IUT", "RT", "GEII", "RT1"]);
        assert_eq!((tree.len(), tree.is_empty(), tree.has("UFR"), tree.has("ufr")), (5, false, true, false));
    }

    #[test]
    fn no_unit_stands_below_itself_and_none_too_deep() {
        let tree = iut();
        assert_eq!(tree.parent_for(Some("UFR"), "RT1").unwrap().name, "RT1");
        for (moved, parent) in [("RT", "RT"), ("RT", "RT1"), ("IUT", "RT1"), ("RT", "rien")] {
            assert_eq!(tree.parent_for(Some(moved), parent).unwrap_err().field, "parent", "{moved} below {parent}");
        }
        let names: Vec<String> = (0..DEPTH_MAX).map(|level| format!("u{level}")).collect();
        let mut lines: Vec<(&str, Option<&str>)> = vec![("u0", None)];
        lines.extend(names.iter().zip(names.iter().skip(1)).map(|(above, name)| (name.as_str(), Some(above.as_str()))));
        lines.extend([("seul", None), ("paire", None), ("bas", Some("paire"))]);
        let deep = tree_of(&lines);
        assert!(deep.parent_for(None, "u18").is_ok());
        assert!(deep.parent_for(None, "u19").unwrap_err().message.contains("at most 20 deep"));
        assert!(deep.parent_for(Some("seul"), "u18").is_ok());
        assert!(deep.parent_for(Some("paire"), "u18").unwrap_err().message.contains("21"));
    }

    #[test]
    fn a_cycle_in_the_store_ends() {
        let (a, b) = (UnitId::new(), UnitId::new());
        let place = |id, name: &str, parent| Place { id, name: name.to_owned(), parent_id: Some(parent), source_id: None };
        let round = Tree::of(vec![place(a, "a", b), place(b, "b", a)]);
        assert_eq!(round.ancestors("a").len(), DEPTH_MAX);
        assert!(!round.covers("c", "a", true));
    }

    #[test]
    fn a_name_that_is_not_known_is_told_with_the_nearest() {
        let tree = iut();
        assert!(tree.check("home_unit", "RT").is_ok());
        let told = tree.check("home_unit", "rt2").unwrap_err();
        assert_eq!(told.field, "home_unit");
        assert!(told.message.contains("the nearest are RT, RT1"), "{}", told.message);
        assert!(Tree::default().check("home_unit", "rt2").is_ok(), "without a tree, names are free");
        assert_eq!((distance("rt", "rt1"), distance("", "abc"), distance("geii", "geii"), distance("chat", "chien")), (1, 3, 0, 3));
    }
}
