//! The demo's people: three establishments, always the same for the same number of people. Makes entries; serves nothing.

mod draw;
mod entries;
mod establishments;
mod names;
mod random;

pub use establishments::{BASE_DN, ESTABLISHMENTS, Establishment, Kind, WellKnown, password_of};

use draw::Drawing;

use super::directory::Entry;

/// People when nothing else is asked.
pub const COUNT_DEFAULT: usize = 600;
/// Fewest people: below, an establishment would lack some of its functions.
pub const COUNT_MIN: usize = 60;
/// Most people: they live in memory.
pub const COUNT_MAX: usize = 100_000;
/// What all is drawn from.
const SEED: u64 = 2026;
/// How many of a hundred people each establishment has; the last has the rest.
const SHARES: [usize; 3] = [35, 35, 30];

/// A number of people the demo cannot have.
#[derive(Debug, thiserror::Error)]
#[error("a demo of {0} people is not possible: give a number from {COUNT_MIN} to {COUNT_MAX}")]
pub struct CountError(pub usize);

/// Every entry of the demo's directory: so many people, and their groups.
///
/// # Errors
/// `CountError` when the number is out of bounds.
pub fn generate(count: usize) -> Result<Vec<Entry>, CountError> {
    if !(COUNT_MIN..=COUNT_MAX).contains(&count) {
        return Err(CountError(count));
    }
    let reserved = ESTABLISHMENTS.iter().flat_map(Establishment::well_known).map(|known| known.uid);
    let mut drawing = Drawing::new(SEED, reserved);
    let mut entries = vec![entries::top()];
    let mut left = count;
    for (place, (establishment, share)) in ESTABLISHMENTS.iter().zip(SHARES).enumerate() {
        let here = if place + 1 == ESTABLISHMENTS.len() { left } else { count * share / 100 };
        left -= here;
        let people = drawing.establishment(establishment, here);
        entries.extend(entries::establishment(establishment, &people));
    }
    Ok(entries)
}
