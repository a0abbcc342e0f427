//! The trial of an LDIF file: whether it reads to its end, and some people and groups as they would arrive. Changes nothing.

use super::reading;
use super::settings::Settings;
use crate::file::{Content, Sample};
use crate::ldap::CheckStep;

/// Tries every step; those after a failed one are not tried.
pub(super) fn run(content: &Content, settings: &Settings) -> Vec<CheckStep> {
    let mut steps = vec![CheckStep::passed("file", format!("{}: {} bytes", content.name, content.bytes.len()))];
    let mut sample = Sample::default();
    let read = reading::read(&content.bytes, settings, &mut |record| {
        sample.take(record);
        Ok(())
    });
    match read {
        Ok(()) => {
            let filters = format!("people: `{}`; groups: `{}`", settings.people.written, settings.groups.written);
            steps.push(CheckStep::passed("content", filters));
            steps.extend(sample.into_steps());
        }
        Err(cause) => steps.push(CheckStep::failed("content", &cause)),
    }
    steps
}
