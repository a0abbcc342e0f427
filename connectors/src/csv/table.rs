//! A spreadsheet's rows: delimiter, titles, lines. Says of each row whether it fits under the titles; knows nothing of people.

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use crate::fold;
use crate::ldap::Cause;

/// Most columns.
pub(super) const COLUMNS_MAX: usize = 512;
/// The longest row, in bytes.
pub(super) const ROW_BYTES_MAX: usize = 256 * 1024;
/// Most rows.
pub(super) const ROWS_MAX: u64 = 2_000_000;
/// What may stand between cells, the likeliest first; a `|` often stands within cells too.
pub(super) const DELIMITERS: [(u8, &str); 4] = [(b';', ";"), (b'\t', "TAB"), (b',', ","), (b'|', "|")];

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its title as written; its number when there are no titles.
    pub(super) title: String,
    /// The same as a name.
    pub(super) name: String,
}

/// A spreadsheet opened: its titles are read, its rows are not yet.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) delimiter: u8,
    pub(super) columns: Vec<Column>,
    body: &'a [u8],
    /// The line on which the body begins, from 1.
    line: u64,
}

/// The rows, one after the other.
pub(super) struct Rows<'a> {
    reader: Reader<&'a [u8]>,
    body: &'a [u8],
    record: ByteRecord,
    /// How far the body was read, and the line that is.
    at: usize,
    line: u64,
    delimiter: u8,
    needed: usize,
    known: usize,
    count: u64,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row<'r> {
    /// The line it begins on, from 1.
    pub(super) line: u64,
    /// Its cells.
    pub(super) cells: &'r ByteRecord,
    /// Why its cells do not stand under their titles.
    pub(super) fault: Option<String>,
}

impl<'a> Table<'a> {
    /// Reads the titles. `header_lines` is how many lines stand above the rows; the last of them holds the titles.
    ///
    /// # Errors
    /// There is nothing to read, or more columns than can be.
    pub(super) fn open(text: &'a [u8], told: Option<u8>, header_lines: u64) -> Result<Self, Cause> {
        let (mut rest, mut line, mut told) = (text, 1, told);
        // Excel's own way to say it, on a line before all others.
        if let Some((first, after)) = cut(rest)
            && let Some(delimiter) = stated(first)
        {
            (rest, line, told) = (after, line + 1, told.or(Some(delimiter)));
        }
        for _ in 1..header_lines {
            let Some((_, after)) = cut(rest) else { break };
            (rest, line) = (after, line + 1);
        }
        let delimiter = told.unwrap_or_else(|| likely(cut(rest).map_or(rest, |(first, _)| first)));
        let mut table = Self { delimiter, columns: Vec::new(), body: rest, line };
        let mut reader = table.reader();
        let mut titles = ByteRecord::new();
        let read = reader.read_byte_record(&mut titles).map_err(|e| broken(&e))?;
        if !read || titles.iter().all(|cell| cell.trim_ascii().is_empty()) {
            return Err(Cause::Content("the file is empty: not even titles of columns stand in it".to_owned()));
        }
        if titles.len() > COLUMNS_MAX {
            return Err(Cause::Content(format!("it has {} columns, and {COLUMNS_MAX} at most are read", titles.len())));
        }
        if header_lines > 0 {
            let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            table.body = rest.get(end..).unwrap_or_default();
            table.line = line + breaks(rest.get(..end).unwrap_or_default());
        }
        let column = |(at, cell)| if header_lines > 0 { titled(cell, at + 1) } else { Ok(numbered(at + 1)) };
        table.columns = titles.iter().enumerate().map(column).collect::<Result<_, _>>()?;
        Ok(table)
    }

    /// The column of a name as mappings write it: its title, or else its number from 1.
    ///
    /// # Errors
    /// Two columns bear the title.
    pub(super) fn find(&self, name: &str) -> Result<Option<usize>, Cause> {
        let mut found = self.columns.iter().enumerate().filter(|(_, column)| column.name == name);
        match (found.next(), found.next()) {
            (Some((first, column)), Some((second, _))) => Err(Cause::Content(format!(
                "columns {} and {} both bear the title «{}»: name the one that is meant by its number",
                first + 1,
                second + 1,
                column.title
            ))),
            (Some((at, _)), None) => Ok(Some(at)),
            _ => {
                let number = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                Ok(number.filter(|at| *at < self.columns.len()))
            }
        }
    }

    /// The rows from the first.
    pub(super) fn rows(&self) -> Rows<'a> {
        // Spreadsheet programs fill up with columns that have no title.
        let needed = self.columns.iter().rposition(|column| !column.title.is_empty()).map_or(0, |at| at + 1);
        Rows {
            reader: self.reader(),
            body: self.body,
            record: ByteRecord::new(),
            at: 0,
            line: self.line,
            delimiter: self.delimiter,
            needed,
            known: self.columns.len(),
            count: 0,
        }
    }

    fn reader(&self) -> Reader<&'a [u8]> {
        ReaderBuilder::new().delimiter(self.delimiter).has_headers(false).flexible(true).from_reader(self.body)
    }
}

impl<'a> Rows<'a> {
    /// The next row that says something.
    ///
    /// # Errors
    /// A quotation mark that is never closed hides rows, so that nobody knows who else stands there.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, Cause> {
        let (line, as_written) = loop {
            if !self.reader.read_byte_record(&mut self.record).map_err(|e| broken(&e))? {
                return Ok(None);
            }
            let place = self.advance();
            if self.record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                break place;
            }
        };
        self.count += 1;
        if self.count > ROWS_MAX {
            return Err(Cause::Content(format!("it has more than {ROWS_MAX} rows")));
        }
        let lines = breaks(as_written);
        if lines > 0 && !well_quoted(as_written, self.delimiter) {
            return Err(Cause::Content(format!(
                "lines {line} to {}: a quotation mark (\") on line {line} is not closed where its cell ends, and hides the rows after it",
                line + lines
            )));
        }
        let fault = self.fault(as_written.len());
        Ok(Some(Row { line, cells: &self.record, fault }))
    }

    /// The line on which the record just read begins, and what is written there. Lines left empty before it belong to it, for the reader.
    fn advance(&mut self) -> (u64, &'a [u8]) {
        let end = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let whole = self.body.get(self.at..end).unwrap_or_default();
        let begins = whole.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(whole.len());
        let (before, record) = whole.split_at(begins);
        let line = self.line + breaks(before);
        self.line = line + breaks(record);
        self.at = end;
        (line, record.trim_ascii_end())
    }

    fn fault(&self, size: usize) -> Option<String> {
        let cells = self.record.iter().rposition(|cell| !cell.trim_ascii().is_empty()).map_or(0, |at| at + 1);
        if size > ROW_BYTES_MAX {
            return Some(format!("the row is longer than {ROW_BYTES_MAX} bytes"));
        }
        // Empty cells at the end are a matter of habit of the program that wrote them; missing ones may mean that the row was cut.
        let fits = cells <= self.known && self.record.len() >= self.needed;
        (!fits).then(|| format!("the row has {} cells, and there are {} titles", self.record.len(), self.known))
    }
}

fn titled(cell: &[u8], number: usize) -> Result<Column, Cause> {
    let wrong = |what: &str| Cause::Content(format!("the title of column {number} {what}"));
    let title = std::str::from_utf8(cell).map_err(|_| wrong("is not in the encoding of the file"))?.trim().to_owned();
    if title.contains('\0') {
        return Err(wrong("holds the NUL character (U+0000): this is hardly text"));
    }
    Ok(Column { name: fold::column(&title), title })
}

fn numbered(number: usize) -> Column {
    Column { title: number.to_string(), name: number.to_string() }
}

/// The first line without its end, and what follows.
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = text.split_at(end);
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default()))
}

/// `sep=;`
fn stated(line: &[u8]) -> Option<u8> {
    let delimiter = *line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"SEP="))?.first()?;
    DELIMITERS.iter().any(|(known, _)| *known == delimiter).then_some(delimiter)
}

/// What cuts a line of titles into most cells.
fn likely(line: &[u8]) -> u8 {
    let cells = |delimiter: u8| {
        let mut quoted = false;
        let outside = line.iter().filter(|byte| {
            quoted ^= **byte == b'"';
            **byte == delimiter && !quoted
        });
        outside.count()
    };
    let most = DELIMITERS.iter().rev().max_by_key(|(delimiter, _)| cells(*delimiter));
    most.map_or(b';', |(delimiter, _)| *delimiter)
}

fn breaks(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Whether every quoted cell ends where it is closed (RFC 4180 §2): otherwise what is inside may be other rows.
fn well_quoted(row: &[u8], delimiter: u8) -> bool {
    let mut bytes = row.iter().copied().peekable();
    let (mut quoted, mut at_start) = (false, true);
    while let Some(byte) = bytes.next() {
        match (byte, quoted) {
            (b'"', false) if at_start => quoted = true,
            (b'"', true) => match bytes.peek().copied() {
                Some(b'"') => drop(bytes.next()),
                None => quoted = false,
                Some(next) if next == delimiter || next == b'\r' || next == b'\n' => quoted = false,
                Some(_) => return false,
            },
            _ => {}
        }
        at_start = !quoted && byte == delimiter;
    }
    !quoted
}

fn broken(error: &::csv::Error) -> Cause {
    Cause::Content(format!("it cannot be read as a table: {error}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::Table;

    fn titles(text: &str) -> (u8, Vec<String>) {
        let table = Table::open(text.as_bytes(), None, 1).unwrap();
        (table.delimiter, table.columns.iter().map(|column| column.title.clone()).collect())
    }

    type Line = (u64, Vec<String>, bool);

    fn lines(text: &str, header_lines: u64) -> Result<Vec<Line>, String> {
        let table = Table::open(text.as_bytes(), None, header_lines).map_err(|e| e.to_string())?;
        let mut rows = table.rows();
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|e| e.to_string())? {
            out.push((row.line, row.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(), row.fault.is_none()));
        }
        Ok(out)
    }

    fn row(line: u64, cells: &[&str], fits: bool) -> Line {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect(), fits)
    }

    #[test]
    fn the_delimiter_is_the_one_that_gives_most_cells() {
        assert_eq!(titles("Nom;Prénom\n").0, b';');
        assert_eq!(titles("Nom,Prénom\n").0, b',');
        assert_eq!(titles("Nom\tPrénom\n").0, b'\t');
        assert_eq!(titles("Nom|Prénom|a,b\n").0, b'|');
        assert_eq!(titles("\"Nom, usuel\";Prénom\n"), (b';', vec!["Nom, usuel".to_owned(), "Prénom".to_owned()]));
        assert_eq!(titles("sep=,\r\nNom,a;b;c\r\n"), (b',', vec!["Nom".to_owned(), "a;b;c".to_owned()]));
        assert_eq!(titles("Nom"), (b';', vec!["Nom".to_owned()]));
    }

    #[test]
    fn rows_keep_their_lines_and_those_that_do_not_fit_are_told() {
        let text = "Liste des élèves\r\nn;nom\r\n\r\n1;a\r\n;\r\n2;\"b\r\nc\"\r\n3\r\n4;d;e\r\n5;f;;\r\n";
        let expected = vec![
            row(4, &["1", "a"], true),
            row(6, &["2", "b\r\nc"], true),
            row(8, &["3"], false),
            row(9, &["4", "d", "e"], false),
            row(10, &["5", "f", "", ""], true),
        ];
        assert_eq!(lines(text, 2).unwrap(), expected);
        assert_eq!(lines("1;a\n2;b", 0).unwrap(), [row(1, &["1", "a"], true), row(2, &["2", "b"], true)]);
        assert_eq!(lines("n;nom;\n1;a\n", 1).unwrap(), [row(2, &["1", "a"], true)]);
    }

    #[test]
    fn a_quotation_mark_left_open_is_a_fault_of_the_file() {
        for text in ["n;nom\n1;\"a\n2;b\n", "n;nom\n1;\"a\n2;\"b\"\n3;c\n", "n;nom\n1;\"a\n2;b\n3;\"c\n4;d\n"] {
            let refused = lines(text, 1).unwrap_err();
            assert!(refused.starts_with("lines 2 to ") && refused.contains("not closed"), "{text:?}: {refused}");
        }
        assert_eq!(lines("n;nom\n1;a \"b\" c\n2;5\" x\n", 1).unwrap().len(), 2, "within a cell they are only signs");
    }

    #[test]
    fn a_file_without_anything_is_refused_and_titles_alone_are_not() {
        assert!(lines("", 1).unwrap_err().contains("empty"));
        assert!(lines(" \n\n", 1).unwrap_err().contains("empty"));
        assert_eq!(lines("n;nom\n", 1).unwrap(), []);
    }

    #[test]
    fn columns_are_found_by_title_or_number_and_never_guessed() {
        let table = Table::open("Nom;PRÉNOM;nom\n".as_bytes(), None, 1).unwrap();
        assert_eq!(table.find("prenom").unwrap(), Some(1));
        assert_eq!(table.find("3").unwrap(), Some(2));
        assert_eq!(table.find("4").unwrap(), None);
        assert!(table.find("nom").unwrap_err().to_string().starts_with("columns 1 and 3 both bear the title"));
    }
}
