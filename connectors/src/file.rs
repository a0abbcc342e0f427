//! A source that is a file: its content in memory, and its records as a stream like any other source's. Opens no file itself.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::ldap::{Cause, CheckStep, Error, Level, Reading, Sample, Summary};
use crate::record::Record;

/// Shown of a trial, as they would arrive.
const PEOPLE_SHOWN_MAX: usize = 20;
const GROUPS_SHOWN_MAX: usize = 5;
const UNREADABLE_SHOWN_MAX: usize = 5;
const MEMBERS_SHOWN_MAX: usize = 20;
/// Records handed over at once.
const PAGE_RECORDS: usize = 1000;
/// Pages of records that may wait for the reader.
const PAGES_WAITING_MAX: usize = 2;

/// A file as it was given.
#[derive(Clone)]
pub struct Content {
    /// Its name, for messages.
    pub name: String,
    /// What is in it.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("name", &self.name).field("bytes", &self.bytes.len()).finish()
    }
}

/// Where the records of a file go, page by page.
pub(crate) struct Pages {
    out: mpsc::Sender<Vec<Record>>,
    page: Vec<Record>,
    summary: Summary,
    until: Instant,
    deadline: Duration,
}

impl Pages {
    /// Takes a record.
    ///
    /// # Errors
    /// When nobody takes pages any more, or the time is over.
    pub(crate) fn push(&mut self, record: Record) -> Result<(), Cause> {
        match &record {
            Record::Person(_) => self.summary.people += 1,
            Record::Group(_) => self.summary.groups += 1,
            Record::Unreadable(_) => self.summary.unreadable += 1,
        }
        self.page.push(record);
        if self.page.len() < PAGE_RECORDS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Cause> {
        if Instant::now() > self.until {
            return Err(Cause::Deadline(self.deadline));
        }
        if self.page.is_empty() {
            return Ok(());
        }
        self.summary.pages += 1;
        self.out.blocking_send(std::mem::take(&mut self.page)).map_err(|_| Cause::GivenUp)
    }
}

/// Reads a file on a thread of its own. Must be called within a Tokio runtime.
pub(crate) fn stream(
    name: String,
    deadline: Duration,
    read: impl FnOnce(&mut dyn FnMut(Record) -> Result<(), Cause>) -> Result<(), Cause> + Send + 'static,
) -> Reading {
    let (out, pages) = mpsc::channel(PAGES_WAITING_MAX);
    let outcome = tokio::task::spawn_blocking(move || -> Result<Summary, Error> {
        let mut sink = Pages { out, page: Vec::new(), summary: Summary::default(), until: Instant::now() + deadline, deadline };
        let read = read(&mut |record| sink.push(record)).and_then(|()| sink.flush());
        read.map_err(|cause| cause.at(&name))?;
        Ok(sink.summary)
    });
    Reading { pages, outcome }
}

/// What a trial keeps of the records it meets.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    people: usize,
    groups: usize,
    unreadable: usize,
    some_people: Vec<Sample>,
    some_groups: Vec<Sample>,
    some_unreadable: Vec<Sample>,
}

impl Tally {
    /// Counts a record, and keeps it when it is among the first.
    pub(crate) fn take(&mut self, record: Record) {
        let (count, kept, most) = match &record {
            Record::Person(_) => (&mut self.people, &mut self.some_people, PEOPLE_SHOWN_MAX),
            Record::Group(_) => (&mut self.groups, &mut self.some_groups, GROUPS_SHOWN_MAX),
            Record::Unreadable(_) => (&mut self.unreadable, &mut self.some_unreadable, UNREADABLE_SHOWN_MAX),
        };
        *count += 1;
        if kept.len() < most {
            kept.push(sample(record));
        }
    }

    /// The steps `people` and `groups`.
    pub(crate) fn into_steps(self) -> [CheckStep; 2] {
        let (level, code) = match (self.people, self.unreadable) {
            // No person is a mistake in the settings; no group is a file's right.
            (0, 0) => (Level::Failed, "file_people_none"),
            (0, _) => (Level::Failed, "file_people_unusable"),
            (_, 0) => (Level::Ok, "file_people"),
            _ => (Level::Warning, "file_people_unreadable"),
        };
        let people = CheckStep::new("people", level, code).fact("count", &self.people).fact("unreadable", &self.unreadable);
        let groups = CheckStep::new("groups", Level::Ok, "file_groups").fact("count", &self.groups);
        let mut shown = self.some_people;
        shown.extend(self.some_unreadable);
        [
            CheckStep { count: Some(self.people), sample: shown, ..people },
            CheckStep { count: Some(self.groups), sample: self.some_groups, ..groups },
        ]
    }
}

fn sample(record: Record) -> Sample {
    match record {
        Record::Group(mut group) => {
            let member_count = Some(group.members.len());
            group.members.truncate(MEMBERS_SHOWN_MAX);
            Sample { record: Record::Group(group), trace: Vec::new(), member_count }
        }
        record => Sample { record, trace: Vec::new(), member_count: None },
    }
}

/// The step that says which file it is.
pub(crate) fn named(content: &Content) -> CheckStep {
    CheckStep::new("file", Level::Ok, "file").fact("name", &content.name).fact("size", &content.bytes.len())
}
