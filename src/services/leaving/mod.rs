//! People who left: once a day, whoever their sources no longer keep is anonymised or removed, by the policy of these sources. And whoever is
//! left when a source is removed. Whom a source states, and who is to be disabled, the sync runs decide.

mod removal;
mod round;

pub use removal::{Fate, Removal, remove};
pub use round::{ERASED_MAX, Round, plan, round};
