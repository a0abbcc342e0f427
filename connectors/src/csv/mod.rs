//! A spreadsheet of people: rows become people, values of columns become groups. The one door to this folder.
//!
//! A key column says who is who, whatever becomes of names; a row that cannot be used is set aside and stops nobody else.

mod check;
mod expression;
mod layout;
mod logins;
mod profile;
mod reading;
mod settings;
mod sheet;
mod table;
mod text;

use std::sync::Arc;
use std::time::Duration;

pub use logins::Logins;
pub use settings::Settings;
pub(crate) use settings::absolute;
pub use sheet::{Sheet, SheetRow, sheet};
pub use text::Encoding;

use crate::file::{self, Content};
use crate::ldap::{CheckStep, Reading};

/// One spreadsheet source; cheap to clone.
#[derive(Clone, Debug)]
pub struct Csv {
    settings: Arc<Settings>,
    content: Content,
    logins: Arc<Logins>,
}

impl Csv {
    /// A file, what to make of it, and the login names that are in use.
    pub fn new(settings: Settings, content: Content, logins: Logins) -> Self {
        Self { settings: Arc::new(settings), content, logins: Arc::new(logins) }
    }

    /// Streams everyone, then every group, within the deadline. Must be called within a Tokio runtime.
    pub fn read(&self, deadline: Duration) -> Reading {
        let ours = self.clone();
        file::stream(self.content.name.clone(), deadline, move |push| {
            reading::read(&ours.content.bytes, &ours.settings, &ours.logins, push)
        })
    }

    /// Tries the file step by step and shows some records as they would arrive.
    pub fn check(&self) -> Vec<CheckStep> {
        check::run(&self.content, &self.settings, &self.logins)
    }
}
