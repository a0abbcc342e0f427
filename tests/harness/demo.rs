//! The demo, whole and in this process, on ports that the system chooses. Its stores are SQLite files whatever the run's engine is:
//! a demo makes its own.

use std::path::Path;

use passerelle::config::Config;
use passerelle::demo::people::{COUNT_MIN, ESTABLISHMENTS, Establishment};
use passerelle::demo::run::{Demo, Wishes};

/// The institute: its teacher's role has a department as its scope.
pub const INSTITUTE: &Establishment = &ESTABLISHMENTS[2];
/// The lycée: there the sample application asks for consent.
pub const LYCEE: &Establishment = &ESTABLISHMENTS[1];

/// What a test wishes when nothing else matters: few people, a free port, a folder that goes.
pub fn wishes() -> Wishes {
    Wishes { listen: "127.0.0.1:0".parse().unwrap(), people: COUNT_MIN, ..Wishes::default() }
}

/// A configuration without file or environment.
pub fn config() -> Config {
    Config::load(None, std::iter::empty(), None).unwrap()
}

/// A demo that answers.
pub async fn start(wishes: &Wishes) -> Demo {
    Demo::start(config(), wishes).await.unwrap()
}

/// A demo whose stores are in a folder that stays.
pub async fn start_in(folder: &Path) -> Demo {
    start(&Wishes { data: Some(folder.to_owned()), ..wishes() }).await
}
