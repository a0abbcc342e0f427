//! The trial of an LDIF file: whether it reads to its end, and some people and groups as they would arrive. Changes nothing.

use super::reading;
use super::settings::Settings;
use crate::file::{self, Content, Tally};
use crate::ldap::{CheckStep, Level};
use crate::record::Record;

/// Tries every step at this time, in seconds since 1970; those after a failed one are not tried.
pub(super) fn run(content: &Content, settings: &Settings, now: i64) -> Vec<CheckStep> {
    let mut steps = vec![file::named(content)];
    let mut tally = Tally::default();
    let read = reading::read(&content.bytes, settings, &mut |mut record| {
        if let Record::Person(person) = &mut record {
            person.settle(now);
        }
        tally.take(record);
        Ok(())
    });
    match read {
        Ok(()) => {
            let filters = CheckStep::new("content", Level::Ok, "entries");
            steps.push(filters.fact("people", &settings.people.written).fact("groups", &settings.groups.written));
            steps.extend(tally.into_steps());
        }
        Err(cause) => steps.push(CheckStep::failed("content", &cause)),
    }
    steps
}
