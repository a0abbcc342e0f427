//! People who left: once a day, whoever their sources no longer keep is anonymised or removed, by the policy of these sources. Whom a source
//! states, and who is to be disabled, the sync runs decide.

mod round;

pub use round::{ERASED_MAX, Round, plan, round};
