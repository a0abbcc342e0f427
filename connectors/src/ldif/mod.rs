//! A file of directory entries: what a directory's own export holds becomes the people and groups that reading the directory would give.
//!
//! Entries go through the profile, mapping and filters of a directory, evaluated here.

mod check;
mod dynamic;
mod parse;
mod reading;
mod settings;

use std::sync::Arc;
use std::time::Duration;

pub use parse::{Entries, Entry, LdifError};
pub use settings::Settings;

use crate::file::{self, Content};
use crate::ldap::{CheckStep, Reading};

/// One source of LDIF files; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ldif {
    settings: Arc<Settings>,
    content: Content,
}

impl Ldif {
    /// A file, and what to make of it.
    pub fn new(settings: Settings, content: Content) -> Self {
        Self { settings: Arc::new(settings), content }
    }

    /// Streams everyone, then every group, within the deadline. Must be called within a Tokio runtime.
    pub fn read(&self, deadline: Duration) -> Reading {
        let ours = self.clone();
        file::stream(self.content.name.clone(), deadline, move |push| reading::read(&ours.content.bytes, &ours.settings, push))
    }

    /// Tries the file step by step and shows some records as they would arrive at this time, in seconds since 1970.
    pub fn check(&self, now: i64) -> Vec<CheckStep> {
        check::run(&self.content, &self.settings, now)
    }
}
