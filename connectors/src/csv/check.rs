//! The trial of a spreadsheet: what was found of its form, and some people and groups as they would arrive. Changes nothing.

use super::layout::Layout;
use super::logins::Logins;
use super::settings::Settings;
use super::table::{DELIMITERS, Table};
use super::{reading, text};
use crate::file::{self, Content, Tally};
use crate::ldap::{Cause, CheckStep, Level};

/// Tries every step; those after a failed one are not tried.
pub(super) fn run(content: &Content, settings: &Settings, logins: &Logins) -> Vec<CheckStep> {
    let mut steps = vec![file::named(content)];
    if let Err(cause) = look(content, settings, logins, &mut steps) {
        steps.push(CheckStep::failed("content", &cause));
    }
    steps
}

fn look(content: &Content, settings: &Settings, logins: &Logins, steps: &mut Vec<CheckStep>) -> Result<(), Cause> {
    let step = |name, code| CheckStep::new(name, Level::Ok, code);
    let text = text::decode(&content.bytes, settings.encoding)?;
    let code = if settings.encoding.is_some() { "encoding_told" } else { "encoding_found" };
    steps.push(step("encoding", code).fact("encoding", &text.encoding));
    let table = Table::open(&text.bytes, settings.delimiter, settings.header_lines)?;
    let delimiter = DELIMITERS.iter().find(|(byte, _)| *byte == table.delimiter).map_or("", |(_, name)| name);
    let code = if settings.delimiter.is_some() { "delimiter_told" } else { "delimiter_found" };
    steps.push(step("delimiter", code).fact("delimiter", delimiter));
    let layout = Layout::new(settings, &table)?;
    let quoted = |titles: &[&str]| titles.iter().map(|title| format!("«{title}»")).collect::<Vec<_>>().join(", ");
    let titles: Vec<&str> = table.columns.iter().map(|column| column.title.as_str()).collect();
    let unused = layout.unused();
    let columns = step("columns", if unused.is_empty() { "columns" } else { "columns_unused" });
    let columns = columns.fact("count", &titles.len()).fact("titles", &quoted(&titles)).fact("key", &quoted(&layout.key_titles()));
    steps.push(columns.fact("unused", &quoted(&unused)));
    let mut tally = Tally::default();
    reading::read(&content.bytes, settings, logins, &mut |record| {
        tally.take(record);
        Ok(())
    })?;
    steps.extend(tally.into_steps());
    Ok(())
}
