//! Reading: an encrypted file in, rows out, in one pass and with little of it in memory. Every byte is checked against what the archive says of
//! itself; only a pass that came to its end says that the archive is whole. It blocks, so it runs on a thread of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use age::stream::StreamReader;
use aws_lc_rs::digest::{Context as Digest, SHA256};
use flate2::bufread::GzDecoder;
use serde::Serialize;
use tokio::sync::mpsc::Sender;
use utoipa::ToSchema;

use super::envelope::Key;
use super::format::{self, HEADER, Header, MANIFEST, Manifest, TableSum, hexadecimal};
use super::progress::Progress;
use super::{refusal, secrets};
use crate::services::context::Gateway;
use crate::services::error::Error;
use crate::store::establishment::archive::Row;
use crate::store::establishment::archive_tables::{TABLES, Table};

/// Largest header or manifest.
const NOTE_BYTES_MAX: u64 = 1024 * 1024;
/// Longest line: a row is far shorter.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Largest archive once it is decrypted and unpacked.
const OPEN_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// Zeros that may follow the last entry.
const PADDING_MAX: u64 = 64 * 1024;
/// Rows handed over at once.
pub const PAGE_ROWS: usize = 1000;
/// Bytes of lines after which rows are handed over, however few they are: pages wait in memory.
const PAGE_BYTES: usize = 1024 * 1024;

/// Rows of one table on their way to a store, their secrets open.
pub struct Page {
    /// The table.
    pub table: &'static Table,
    /// The rows.
    pub rows: Vec<Row>,
}

/// What a whole archive is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Checked {
    /// Its header.
    pub header: Header,
    /// Its manifest.
    pub manifest: Manifest,
}

/// An archive being read: who reads it, and where its rows go.
pub struct Reader {
    /// What the process shares.
    pub gateway: Arc<Gateway>,
    /// What opens it.
    pub key: Key,
    /// Who watches.
    pub progress: Arc<Progress>,
    /// Where rows go; nowhere when the archive is only checked.
    pub rows: Option<Sender<Page>>,
}

type Plain = GzDecoder<BufReader<StreamReader<BufReader<Watched>>>>;

/// A file that tells how far it was read.
struct Watched {
    file: File,
    progress: Arc<Progress>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.progress.advance(read);
        Ok(read)
    }
}

/// What was read so far.
struct Tally {
    whole: Digest,
    header: Option<Header>,
    manifest: Option<Manifest>,
    tables: Vec<TableSum>,
    open: Option<(&'static Table, u32, u64, Digest)>,
}

impl Reader {
    /// Reads an archive to its end.
    ///
    /// # Errors
    /// A refusal with its own reason.
    pub fn read(&self, path: &Path) -> Result<Checked, Error> {
        // Whoever gave a path knows it; whoever sent an archive must not learn where it was put.
        let unreadable = |e: std::io::Error| Error::Outside(format!("the archive cannot be read: {e}"));
        let file = File::open(path).map_err(unreadable)?;
        self.progress.expect(file.metadata().map_err(unreadable)?.len());
        let opened = self.key.open(BufReader::new(Watched { file, progress: self.progress.clone() }))?;
        let mut entries = tar::Archive::new(GzDecoder::new(BufReader::new(opened)).take(OPEN_BYTES_MAX));
        let mut tally = Tally { whole: Digest::new(&SHA256), header: None, manifest: None, tables: Vec::new(), open: None };
        let mut begun = false;
        // Raw: long names and extended headers would be read into memory whole, and an archive has none.
        for entry in entries.entries().map_err(|e| refusal::reading(&e))?.raw(true) {
            let mut entry = entry.map_err(|e| first_words(begun, &e))?;
            if !entry.header().entry_type().is_file() {
                return Err(if begun { refusal::damaged("it holds an entry that is no plain file") } else { refusal::foreign() });
            }
            begun = true;
            self.entry(&mut tally, &mut entry)?;
        }
        end(entries.into_inner().into_inner())?;
        tally.checked()
    }

    fn entry(&self, tally: &mut Tally, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), Error> {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if tally.manifest.is_some() {
            return Err(refusal::damaged("something follows its manifest"));
        }
        match (&tally.header, name.as_str()) {
            (None, HEADER) => {
                let text = note(entry)?;
                tally.whole.update(&text);
                tally.header = Some(Header::parse(&text)?);
                Ok(())
            }
            (None, _) => Err(refusal::foreign()),
            (Some(_), MANIFEST) => {
                let text = note(entry)?;
                let fits = serde_json::from_slice(&text);
                tally.manifest = Some(fits.map_err(|e| refusal::damaged(format!("its manifest does not fit: {e}")))?);
                Ok(())
            }
            (Some(header), _) => {
                let (slug, mode) = (header.establishment.slug.clone(), header.secrets);
                let table = tally.part(&name)?;
                self.rows_of(table, entry, tally, |row| secrets::unpack(&self.gateway.vault, &slug, mode, table, row))
            }
        }
    }

    fn rows_of(
        &self,
        table: &'static Table,
        entry: &mut impl Read,
        tally: &mut Tally,
        unpack: impl Fn(&mut Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut lines = BufReader::new(entry);
        let (mut line, mut page, mut page_bytes) = (Vec::new(), Vec::new(), 0);
        loop {
            line.clear();
            let read = (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(|e| refusal::reading(&e))?;
            if read == 0 {
                return self.hand_over(table, page);
            }
            if line.last() != Some(&b'\n') {
                return Err(refusal::damaged(format!("a row of {} has no end, or is longer than any row", table.name)));
            }
            tally.line(&line);
            // Rows are looked at in the first pass too: whatever would stop the second is told before anything is written.
            let mut row = format::read_line(table, &line)?;
            unpack(&mut row)?;
            if self.rows.is_some() {
                page.push(row);
                page_bytes += line.len();
                if page.len() == PAGE_ROWS || page_bytes >= PAGE_BYTES {
                    self.hand_over(table, std::mem::take(&mut page))?;
                    page_bytes = 0;
                }
            }
        }
    }

    fn hand_over(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), Error> {
        match &self.rows {
            // Whoever takes the rows tells why they stopped; this is never read.
            Some(taker) if !rows.is_empty() => {
                taker.blocking_send(Page { table, rows }).map_err(|_| Error::Internal("nobody takes the rows any more".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl Tally {
    /// Opens a part: `TABLE/000001.jsonl`, tables in their order, parts counted from 1.
    fn part(&mut self, name: &str) -> Result<&'static Table, Error> {
        let unknown =
            || refusal::damaged(format!("it holds an entry «{}» that is not expected there", name.chars().take(80).collect::<String>()));
        let table = name.split_once('/').and_then(|(table, _)| format::table(table)).ok_or_else(unknown)?;
        let next = match &self.open {
            Some((open, parts, ..)) if open.name == table.name => parts + 1,
            _ => 1,
        };
        if name != format::part_name(table, next) {
            return Err(unknown());
        }
        if next == 1 {
            let rank = |name: &str| TABLES.iter().position(|table| table.name == name);
            if self.open.as_ref().is_some_and(|(open, ..)| rank(open.name) > rank(table.name)) {
                return Err(unknown());
            }
            self.close();
            self.open = Some((table, 1, 0, Digest::new(&SHA256)));
        } else if let Some((_, parts, ..)) = &mut self.open {
            *parts = next;
        }
        Ok(table)
    }

    fn line(&mut self, line: &[u8]) {
        self.whole.update(line);
        if let Some((_, _, rows, digest)) = &mut self.open {
            *rows += 1;
            digest.update(line);
        }
    }

    fn close(&mut self) {
        if let Some((table, _, rows, digest)) = self.open.take() {
            self.tables.push(TableSum { name: table.name.to_owned(), rows, sha256: hexadecimal(digest.finish().as_ref()) });
        }
    }

    fn checked(mut self) -> Result<Checked, Error> {
        self.close();
        let (Some(header), Some(manifest)) = (self.header, self.manifest) else {
            return Err(refusal::damaged("its end is missing"));
        };
        let stated = manifest.tables.iter().filter(|sum| sum.rows > 0);
        if !stated.eq(self.tables.iter()) || manifest.rows != self.tables.iter().map(|sum| sum.rows).sum::<u64>() {
            return Err(refusal::damaged("its rows are not those that its manifest counts"));
        }
        if manifest.sha256 != hexadecimal(self.whole.finish().as_ref()) {
            return Err(refusal::damaged("its checksum is another"));
        }
        Ok(Checked { header, manifest })
    }
}

/// What the first bytes inside the envelope mean when they are no archive: damage is told by the envelope itself.
fn first_words(begun: bool, error: &std::io::Error) -> Error {
    let foreign = !begun && matches!(error.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::Other);
    if foreign { refusal::foreign() } else { refusal::reading(error) }
}

/// A small entry, whole.
fn note(entry: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    entry.take(NOTE_BYTES_MAX).read_to_end(&mut text).map_err(|e| refusal::reading(&e))?;
    Ok(text)
}

/// Reads what is left: nothing but padding, and the envelope's own last word, without which it was cut short.
fn end(mut packed: Plain) -> Result<(), Error> {
    let mut padding = Vec::new();
    (&mut packed).take(PADDING_MAX).read_to_end(&mut padding).map_err(|e| refusal::reading(&e))?;
    let mut after = [0];
    let after = packed.into_inner().read(&mut after).map_err(|e| refusal::reading(&e))?;
    if after > 0 || padding.iter().any(|byte| *byte != 0) { Err(refusal::damaged("something follows its end")) } else { Ok(()) }
}
