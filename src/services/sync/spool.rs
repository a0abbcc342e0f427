//! A file without a name that holds the new and changed records of a run, so that memory does not. It goes with the process.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use connectors::Person;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::super::error::Error;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// Where a record lies in the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    start: u64,
    length: usize,
}

/// The spool of one run.
#[derive(Debug)]
pub struct Spool {
    file: File,
    written: u64,
    waiting: Vec<u8>,
}

impl Spool {
    /// A new spool beside the store, readable by the program's user only.
    ///
    /// # Errors
    /// `Internal` when the folder cannot be written.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(format!(".run-{}.spool", Uuid::new_v4()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        // Without a name it cannot outlive the run, whatever ends the process.
        std::fs::remove_file(&path).map_err(failed)?;
        Ok(Self { file, written: 0, waiting: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Puts a record down.
    pub fn put(&mut self, person: &Person) -> Result<Place, Error> {
        self.put_any(person)
    }

    /// Puts anything down.
    pub fn put_any<T: Serialize>(&mut self, record: &T) -> Result<Place, Error> {
        let before = self.waiting.len();
        let start = self.written + before as u64;
        serde_json::to_writer(&mut self.waiting, record).map_err(failed)?;
        let length = self.waiting.len() - before;
        if self.waiting.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(Place { start, length })
    }

    /// Writes what waits; a record is read after that only.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.file.write_all(&self.waiting).map_err(failed)?;
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Takes a record up again.
    pub fn get(&self, place: Place) -> Result<Person, Error> {
        self.get_any(place)
    }

    /// Takes up again what was put down.
    pub fn get_any<T: DeserializeOwned>(&self, place: Place) -> Result<T, Error> {
        let mut bytes = vec![0; place.length];
        self.file.read_exact_at(&mut bytes, place.start).map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(failed)
    }
}

fn failed(source: impl std::fmt::Display) -> Error {
    Error::Internal(format!("the run's spool file cannot be used ({source}): is the disk full?"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let people: Vec<Person> = (0..2000).map(|n| super::super::tests::person(n, &format!("é{n}"))).collect();
        let places: Vec<Place> = people.iter().map(|p| spool.put(p).unwrap()).collect();
        spool.flush().unwrap();
        for (person, place) in people.iter().zip(&places).rev() {
            assert_eq!(&spool.get(*place).unwrap(), person);
        }
    }
}
