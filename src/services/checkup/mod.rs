//! A look at everything an operator can put right: this machine, the databases, the installation, each establishment. It changes nothing, and
//! tells as much as it can when something is down.

mod databases;
mod each;
mod installation;
mod machine;
mod pushed;

pub use databases::{Place, databases};
pub use each::look_into;
pub use installation::look_over;
pub use machine::machine;

use serde::Serialize;

/// How a thing looked at stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Well,
    /// Nothing fails by it, and something had better be done.
    Notice,
    /// Something fails by it, or will.
    Wrong,
}

/// One thing looked at. Its text is a key of the translations, with what to fill in.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Where: `configuration`, `machine`, `installation`, a placement, or an establishment.
    pub place: String,
    /// What was looked at: a word for scripts.
    pub what: String,
    /// How it stands.
    pub level: Level,
    /// What was found, and what to do.
    pub text: &'static str,
    /// What the text is filled in with.
    pub arguments: Vec<(&'static str, String)>,
}

impl Finding {
    /// One thing, and how it stands.
    pub fn new(place: &str, what: &str, level: Level, text: &'static str, arguments: &[(&'static str, &dyn ToString)]) -> Self {
        let arguments = arguments.iter().map(|(name, value)| (*name, value.to_string())).collect();
        Self { place: place.to_owned(), what: what.to_owned(), level, text, arguments }
    }

    /// What another part of the program said, in its words.
    pub fn told(place: &str, what: &str, said: Result<&dyn ToString, &dyn ToString>) -> Self {
        match said {
            Ok(said) => Self::new(place, what, Level::Well, "check-said", &[("said", said)]),
            Err(said) => Self::new(place, what, Level::Wrong, "check-said", &[("said", said)]),
        }
    }
}
