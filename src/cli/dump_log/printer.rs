//! Prints what files hold while they are read: Kafka's lines, or one JSON document.
//!
//! A segment may be larger than memory: neither form gathers more than a batch.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::problems::Problems;
use super::rows::DumpEntry;
use crate::base::Offset;
use crate::cli::output_format::OutputOption;

/// The kinds of files of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum FileKind {
    Log,
    OffsetIndex,
    TimeIndex,
    TransactionIndex,
    ProducerSnapshot,
}

impl FileKind {
    /// The name of its entries.
    fn entries(self) -> &'static str {
        match self {
            Self::Log => "batches",
            Self::ProducerSnapshot => "producers",
            Self::OffsetIndex | Self::TimeIndex | Self::TransactionIndex => "entries",
        }
    }
}

/// Where in the JSON document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JsonPosition {
    /// Before the first file.
    Start,
    /// Between two files.
    Between,
    /// In a file, before its first entry.
    FirstEntry,
    /// In a file, behind an entry.
    Entries,
    /// In a file, behind all its entries.
    EntriesOver,
}

/// Prints what is found, in its order.
pub(super) struct DumpPrinter<W> {
    out: W,
    output: OutputOption,
    position: JsonPosition,
}

impl<W: Write> DumpPrinter<W> {
    /// A printer that has printed nothing yet.
    pub(super) fn new(out: W, output: OutputOption) -> Self {
        Self { out, output, position: JsonPosition::Start }
    }

    /// Names a file; whether it can be dumped is not known yet.
    pub(super) fn name(&mut self, file: &Path) -> io::Result<()> {
        self.line(format_args!("Dumping {}", file.display()))
    }

    /// Begins a file that can be dumped.
    pub(super) fn begin(&mut self, file: &Path, kind: FileKind) -> io::Result<()> {
        if !self.output.is_json() {
            return Ok(());
        }
        let lead = if self.position == JsonPosition::Start { "{\"files\":[" } else { "," };
        write!(self.out, "{lead}{{\"file\":")?;
        serde_json::to_writer(&mut self.out, &file.display().to_string())?;
        self.out.write_all(b",\"kind\":")?;
        serde_json::to_writer(&mut self.out, &kind)?;
        write!(self.out, ",\"{}\":[", kind.entries())?;
        self.position = JsonPosition::FirstEntry;
        Ok(())
    }

    /// Prints which offset a segment begins with.
    pub(super) fn starting_offset(&mut self, offset: Offset) -> io::Result<()> {
        self.line(format_args!("Starting offset: {offset}"))
    }

    /// Prints an entry of the file.
    pub(super) fn entry(&mut self, entry: &impl DumpEntry) -> io::Result<()> {
        if !self.output.is_json() {
            return entry.print(&mut self.out);
        }
        if self.position == JsonPosition::Entries {
            self.out.write_all(b",")?;
        }
        self.position = JsonPosition::Entries;
        Ok(serde_json::to_writer(&mut self.out, entry)?)
    }

    /// Prints that so many bytes at the end of a segment are no batch.
    pub(super) fn invalid_bytes(&mut self, file: &Path, count: u64) -> io::Result<()> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.line(format_args!("Found {count} invalid bytes at the end of {name}"))?;
        self.field("invalidBytes", &count)
    }

    /// Prints that an index is as a broker wants it when it starts.
    pub(super) fn sane(&mut self, file: &Path) -> io::Result<()> {
        self.line(format_args!("{} passed sanity check.", file.display()))?;
        self.field("passedSanityCheck", &true)
    }

    /// Ends the file.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.position != JsonPosition::Start && self.position != JsonPosition::Between {
            self.end_entries()?;
            self.out.write_all(b"}")?;
            self.position = JsonPosition::Between;
        }
        Ok(())
    }

    /// Ends the dump; what was found to be wrong follows.
    pub(super) fn finish(mut self, problems: &Problems, err: &mut impl Write) -> io::Result<()> {
        if !self.output.is_json() {
            self.out.flush()?;
            return problems.print(err);
        }
        self.end()?;
        if self.position == JsonPosition::Start {
            self.out.write_all(b"{\"files\":[")?;
        }
        self.out.write_all(b"],\"problems\":")?;
        serde_json::to_writer(&mut self.out, &problems.to_json())?;
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }

    /// Has what was printed reach its reader before something is printed on standard error.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A line of the text.
    fn line(&mut self, line: std::fmt::Arguments<'_>) -> io::Result<()> {
        if self.output.is_json() { Ok(()) } else { writeln!(self.out, "{line}") }
    }

    /// A field of the file behind its entries.
    fn field(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        if !self.output.is_json() {
            return Ok(());
        }
        self.end_entries()?;
        write!(self.out, ",\"{name}\":")?;
        Ok(serde_json::to_writer(&mut self.out, value)?)
    }

    fn end_entries(&mut self) -> io::Result<()> {
        if self.position != JsonPosition::EntriesOver {
            self.out.write_all(b"]")?;
            self.position = JsonPosition::EntriesOver;
        }
        Ok(())
    }
}
