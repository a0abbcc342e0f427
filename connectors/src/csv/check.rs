//! The trial of a spreadsheet: what was found of its form, and some people and groups as they would arrive. Changes nothing.

use super::layout::Layout;
use super::logins::Logins;
use super::settings::Settings;
use super::table::{DELIMITERS, Table};
use super::{reading, text};
use crate::file::{Content, Sample};
use crate::ldap::{Cause, CheckStep};

/// Tries every step; those after a failed one are not tried.
pub(super) fn run(content: &Content, settings: &Settings, logins: &Logins) -> Vec<CheckStep> {
    let mut steps = vec![CheckStep::passed("file", format!("{}: {} bytes", content.name, content.bytes.len()))];
    if let Err(cause) = look(content, settings, logins, &mut steps) {
        steps.push(CheckStep::failed("content", &cause));
    }
    steps
}

fn look(content: &Content, settings: &Settings, logins: &Logins, steps: &mut Vec<CheckStep>) -> Result<(), Cause> {
    let text = text::decode(&content.bytes, settings.encoding)?;
    let found = if settings.encoding.is_some() { "as told" } else { "found" };
    steps.push(CheckStep::passed("encoding", format!("{} ({found})", text.encoding)));
    let table = Table::open(&text.bytes, settings.delimiter, settings.header_lines)?;
    let delimiter = DELIMITERS.iter().find(|(byte, _)| *byte == table.delimiter).map_or("", |(_, name)| name);
    let found = if settings.delimiter.is_some() { "as told" } else { "found" };
    steps.push(CheckStep::passed("delimiter", format!("{delimiter} ({found})")));
    let layout = Layout::new(settings, &table)?;
    let quoted = |titles: &[&str]| titles.iter().map(|title| format!("«{title}»")).collect::<Vec<_>>().join(", ");
    let titles: Vec<&str> = table.columns.iter().map(|column| column.title.as_str()).collect();
    let unused = layout.unused();
    let left = if unused.is_empty() { String::new() } else { format!("; not used: {}", quoted(&unused)) };
    let detail = format!("{}: {}; key: {}{left}", titles.len(), quoted(&titles), quoted(&layout.key_titles()));
    steps.push(CheckStep::passed("columns", detail));
    let mut sample = Sample::default();
    reading::read(&content.bytes, settings, logins, &mut |record| {
        sample.take(record);
        Ok(())
    })?;
    steps.extend(sample.into_steps());
    Ok(())
}
