//! A source that is a file: its content in memory, and its records as a stream like any other source's. Opens no file itself.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::ldap::{Cause, CheckStep, Error, Reading, Summary};
use crate::record::Record;

/// Records shown of a trial.
const SAMPLE_MAX: usize = 20;
/// How many of them at least are entries that cannot be used, when there are some.
const UNREADABLE_SHOWN: usize = 5;
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
pub(crate) struct Sample {
    people: usize,
    groups: usize,
    unreadable: usize,
    some_people: Vec<Record>,
    some_groups: Vec<Record>,
    some_unreadable: Vec<Record>,
}

impl Sample {
    /// Counts a record, and keeps it when it is among the first.
    pub(crate) fn take(&mut self, record: Record) {
        let (count, kept) = match &record {
            Record::Person(_) => (&mut self.people, &mut self.some_people),
            Record::Group(_) => (&mut self.groups, &mut self.some_groups),
            Record::Unreadable(_) => (&mut self.unreadable, &mut self.some_unreadable),
        };
        *count += 1;
        if kept.len() < SAMPLE_MAX {
            kept.push(record);
        }
    }

    /// The steps `people` and `groups`.
    pub(crate) fn into_steps(self) -> [CheckStep; 2] {
        let Self { people, groups, unreadable, .. } = self;
        let mut sample = self.some_people;
        // Why entries cannot be used is worth as much room as who can be.
        sample.truncate(SAMPLE_MAX - unreadable.min(UNREADABLE_SHOWN));
        sample.extend(self.some_unreadable);
        sample.truncate(SAMPLE_MAX);
        // No group is a file's right; no person is a mistake in the settings.
        let advice = (people == 0).then_some("Check the settings against the columns or entries of the file");
        let detail = format!("{people} people can be used, {unreadable} entries cannot");
        let step = |name, ok, detail, advice, count, sample| CheckStep { name, ok, detail, advice, count: Some(count), sample };
        [
            step("people", people > 0, detail, advice, people, sample),
            step("groups", true, format!("{groups} groups"), None, groups, self.some_groups),
        ]
    }
}
