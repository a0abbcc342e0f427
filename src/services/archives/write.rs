//! Writing: rows in, an encrypted file out, in one pass and with little of it in memory. It blocks, so it runs on a thread of its own.

use std::io::{self, Write};

use age::stream::StreamWriter;
use aws_lc_rs::digest::{Context as Digest, SHA256};
use flate2::Compression;
use flate2::write::GzEncoder;
use zeroize::Zeroizing;

use super::format::{self, HEADER, Header, MANIFEST, Manifest, TableSum, hexadecimal};
use crate::services::error::Error;
use crate::store::establishment::archive::Row;
use crate::store::establishment::archive_tables::{TABLES, Table};

/// A part is closed once it holds so many bytes.
const PART_BYTES: usize = 1024 * 1024;

/// An archive being written.
pub struct Writer<W: Write> {
    entries: tar::Builder<GzEncoder<StreamWriter<W>>>,
    whole: Digest,
    at: i64,
    open: Option<Open>,
    closed: Vec<TableSum>,
    part: Zeroizing<Vec<u8>>,
}

/// The table under way.
struct Open {
    table: &'static Table,
    parts: u32,
    rows: u64,
    digest: Digest,
}

impl<W: Write> Writer<W> {
    /// Begins an archive with its header.
    pub fn begin(out: StreamWriter<W>, header: &Header) -> Result<Self, Error> {
        // Speed before size: people's names and addresses shrink to a fifth already.
        let entries = tar::Builder::new(GzEncoder::new(out, Compression::fast()));
        let part = Zeroizing::new(Vec::with_capacity(2 * PART_BYTES));
        let (at, closed) = (header.created_at.seconds(), Vec::new());
        let mut begun = Self { entries, whole: Digest::new(&SHA256), at, open: None, closed, part };
        let text = json(header)?;
        begun.whole.update(&text);
        begun.entry(HEADER, &text).map_err(|e| failed(&e))?;
        Ok(begun)
    }

    /// Adds rows of a table. Tables come one after another.
    pub fn add(&mut self, table: &'static Table, rows: &[Row]) -> Result<(), Error> {
        if self.open.as_ref().is_none_or(|open| open.table.name != table.name) {
            self.close_table().map_err(|e| failed(&e))?;
            self.open = Some(Open { table, parts: 0, rows: 0, digest: Digest::new(&SHA256) });
        }
        for row in rows {
            let start = self.part.len();
            format::write_line(table, row, &mut self.part).map_err(|e| failed(&e))?;
            let line = self.part.get(start..).unwrap_or_default();
            self.whole.update(line);
            if let Some(open) = &mut self.open {
                open.digest.update(line);
                open.rows += 1;
            }
            if self.part.len() >= PART_BYTES {
                self.close_part().map_err(|e| failed(&e))?;
            }
        }
        Ok(())
    }

    /// Ends the archive; `sign` may add to the manifest what only this installation can write.
    pub fn end(mut self, sign: impl FnOnce(&str) -> Result<Option<String>, Error>) -> Result<(Manifest, W), Error> {
        self.close_table().map_err(|e| failed(&e))?;
        let nothing = || hexadecimal(Digest::new(&SHA256).finish().as_ref());
        let sums = TABLES.iter().map(|table| {
            let written = self.closed.iter().find(|sum| sum.name == table.name).cloned();
            written.unwrap_or_else(|| TableSum { name: table.name.to_owned(), rows: 0, sha256: nothing() })
        });
        let tables: Vec<TableSum> = sums.collect();
        let sha256 = hexadecimal(self.whole.clone().finish().as_ref());
        let manifest = Manifest { rows: tables.iter().map(|sum| sum.rows).sum(), tables, seal: sign(&sha256)?, sha256 };
        let text = json(&manifest)?;
        self.entry(MANIFEST, &text).map_err(|e| failed(&e))?;
        let ended = self.entries.into_inner().and_then(GzEncoder::finish).and_then(StreamWriter::finish);
        let mut out = ended.map_err(|e| failed(&e))?;
        out.flush().map_err(|e| failed(&e))?;
        Ok((manifest, out))
    }

    fn close_part(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if self.part.is_empty() {
            return Ok(());
        }
        open.parts += 1;
        let name = format::part_name(open.table, open.parts);
        let part = std::mem::take(&mut *self.part);
        self.entry(&name, &part)?;
        *self.part = part;
        self.part.clear();
        Ok(())
    }

    fn close_table(&mut self) -> io::Result<()> {
        self.close_part()?;
        if let Some(open) = self.open.take() {
            let sha256 = hexadecimal(open.digest.finish().as_ref());
            self.closed.push(TableSum { name: open.table.name.to_owned(), rows: open.rows, sha256 });
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.at).unwrap_or_default());
        self.entries.append_data(&mut header, name, content)
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_vec_pretty(value);
    text.map_err(|e| Error::Internal(format!("a header or manifest of plain fields does not serialise: {e}")))
}

fn failed(error: &io::Error) -> Error {
    Error::Outside(format!("the archive cannot be written: {error}"))
}
