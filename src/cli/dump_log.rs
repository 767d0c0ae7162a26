//! `kafka-dump-log.sh`: prints what lies in segments, indexes and snapshots (Kafka's `kafka.tools.DumpLogSegments`).
//!
//! Reads files only and never changes one, so it may be used beside a running broker.

mod consumer_offsets;
mod index_file;
mod log_file;
mod printer;
mod problems;
mod rows;
mod transaction_log;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use thiserror::Error;

use self::printer::{DumpPrinter, FileKind};
use self::problems::Problems;
use self::rows::ProducerRow;
use super::arguments::{self, EarlyExit};
use super::java::FileException;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use crate::base::Offset;
use crate::log::producers::snapshot;
use crate::wire::record::Record;

const ABOUT: &str = "This tool helps to parse a log file and dump its contents to the console, useful for debugging a \
                     seemingly corrupt log segment.";

#[derive(Debug, Parser)]
pub(super) struct DumpLogOptions {
    /// REQUIRED: the files to be dumped, with commas between them.
    #[arg(long, value_name = "FILE,...")]
    files: Option<String>,
    /// Print the records' keys and values; implies --deep-iteration.
    #[arg(long)]
    print_data_log: bool,
    /// Print each record, not only each batch.
    #[arg(long)]
    deep_iteration: bool,
    /// Compare indexes with their logs without printing them.
    #[arg(long)]
    verify_index_only: bool,
    /// Check indexes only as a broker does when it starts.
    #[arg(long)]
    index_sanity_check: bool,
    /// How many bytes of the log an index entry is looked for in; 5242880 where it is left out.
    #[arg(long, value_name = "BYTES")]
    max_message_size: Option<String>,
    #[command(flatten)]
    output: OutputOption,
    /// Decode records of __consumer_offsets; implies --print-data-log.
    #[arg(long)]
    offsets_decoder: bool,
    /// Decode records of __transaction_state; implies --print-data-log.
    #[arg(long)]
    transaction_log_decoder: bool,
    /// How values are printed: kafka.serializer.StringDecoder, LongDecoder, IntegerDecoder or DefaultDecoder, which
    /// prints hexadecimal digits.
    #[arg(long, value_name = "CLASS", num_args = 0..=1, default_missing_value = STRING_DECODER)]
    value_decoder_class: Option<String>,
    /// How keys are printed, likewise.
    #[arg(long, value_name = "CLASS", num_args = 0..=1, default_missing_value = STRING_DECODER)]
    key_decoder_class: Option<String>,
}

/// How many bytes a message has at most, where no other number is given.
const MAX_MESSAGE_SIZE: i32 = 5 * 1024 * 1024;

const STRING_DECODER: &str = "kafka.serializer.StringDecoder";

/// How bytes of a key or value become text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Decoder {
    #[default]
    String,
    Long,
    Integer,
    /// Hexadecimal digits. Java prints where in its memory the bytes are.
    Default,
}

impl Decoder {
    fn of(class: Option<&str>) -> Result<Self, EarlyExit> {
        match class.map(|class| class.strip_prefix("kafka.serializer.").unwrap_or(class)) {
            None | Some("StringDecoder") => Ok(Self::String),
            Some("LongDecoder") => Ok(Self::Long),
            Some("IntegerDecoder") => Ok(Self::Integer),
            Some("DefaultDecoder") => Ok(Self::Default),
            Some(class) => Err(EarlyExit::Thrown("java.lang.ClassNotFoundException", class.to_owned())),
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        match (self, bytes.first_chunk::<8>(), bytes.first_chunk::<4>()) {
            (Self::Long, Some(bytes), _) => i64::from_be_bytes(*bytes).to_string(),
            (Self::Integer, _, Some(bytes)) => i32::from_be_bytes(*bytes).to_string(),
            (Self::Default, ..) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            // Bytes that are too few for a number are printed as text, too.
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

/// How records become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageParser {
    /// Keys and values each by themselves.
    Decoders { keys: Decoder, values: Decoder },
    /// As records of `__consumer_offsets`.
    Offsets,
    /// As records of `__transaction_state`.
    TransactionLog,
}

impl Default for MessageParser {
    fn default() -> Self {
        Self::Decoders { keys: Decoder::default(), values: Decoder::default() }
    }
}

impl MessageParser {
    /// The key and the value as text, where they are there.
    fn parse(self, record: &Record) -> Result<(Option<String>, Option<String>), DumpError> {
        match self {
            Self::Decoders { keys, values } => {
                let key = record.key.as_ref().map(|key| keys.text(key));
                Ok((key, record.value.as_ref().map(|value| values.text(value))))
            }
            Self::Offsets => consumer_offsets::parse(record).map(|(key, value)| (Some(key), Some(value))),
            Self::TransactionLog => {
                transaction_log::parse(record).map(|(key, value)| (Some(key), Some(value)))
            }
        }
    }
}

/// What is to be printed, and how.
#[derive(Clone, Debug, Default)]
struct DumpOptions {
    files: Vec<PathBuf>,
    prints_data: bool,
    is_deep: bool,
    verifies_only: bool,
    checks_sanity: bool,
    /// As it was given: Java's tool reads it when it opens the first file.
    max_message_size: Option<String>,
    parser: MessageParser,
    output: OutputOption,
}

impl DumpOptions {
    fn parse(arguments: &[String]) -> Result<Self, EarlyExit> {
        if arguments.is_empty() {
            return Err(EarlyExit::Usage(ABOUT.to_owned()));
        }
        let given: DumpLogOptions = arguments::parse(ABOUT, arguments)?;
        arguments::require(given.files.is_some(), "files")?;
        let prints_data = given.print_data_log
            || given.offsets_decoder
            || given.transaction_log_decoder
            || given.value_decoder_class.is_some()
            || given.key_decoder_class.is_some();
        let parser = if given.offsets_decoder {
            MessageParser::Offsets
        } else if given.transaction_log_decoder {
            MessageParser::TransactionLog
        } else {
            MessageParser::Decoders {
                keys: Decoder::of(given.key_decoder_class.as_deref())?,
                values: Decoder::of(given.value_decoder_class.as_deref())?,
            }
        };
        Ok(Self {
            files: files(&given.files.unwrap_or_default()),
            prints_data,
            is_deep: given.deep_iteration || prints_data,
            verifies_only: given.verify_index_only,
            checks_sanity: given.index_sanity_check,
            max_message_size: given.max_message_size,
            parser,
            output: given.output,
        })
    }

    fn max_message_size(&self) -> Result<u64, JavaThrowable> {
        let Some(text) = &self.max_message_size else { return Ok(MAX_MESSAGE_SIZE.unsigned_abs().into()) };
        let size: i32 = text.parse().map_err(|_| JavaThrowable::not_a_number("max-message-size", text))?;
        Ok(u64::try_from(size).unwrap_or_default())
    }
}

/// The files in a list; what is empty at its end is none.
fn files(list: &str) -> Vec<PathBuf> {
    list.trim_end_matches(',').split(',').map(PathBuf::from).collect()
}

/// Why dumping ends before its last file: what Java would throw.
#[derive(Debug, Error)]
enum DumpError {
    #[error("java.lang.NumberFormatException: For input string: \"{0}\"")]
    NoOffset(String),
    #[error("org.apache.kafka.common.errors.CorruptRecordException: {0}")]
    Corrupt(String),
    #[error("org.apache.kafka.common.KafkaException: {0}")]
    Record(String),
    #[error("org.apache.kafka.common.protocol.types.SchemaException: {0}")]
    Schema(String),
    #[error("kafka.log.CorruptIndexException: {0}")]
    CorruptIndex(String),
    #[error("java.util.NoSuchElementException: {0}")]
    NoBatch(String),
    #[error("{0}")]
    Thrown(#[from] JavaThrowable),
    #[error("java.io.IOException: {0}")]
    Io(#[from] io::Error),
}

impl DumpError {
    /// The error of a file that cannot be opened.
    fn of_file(path: &Path, error: &io::Error) -> Self {
        Self::Thrown(FileException::of(&path.display().to_string(), error).into())
    }
}

/// Dumps the files that the arguments name; exit code 1 where Java would throw.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let options = match DumpOptions::parse(&arguments) {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<DumpLogOptions>(),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let dumped = dump(&options, &mut out, &mut io::stderr().lock());
    let flushed = out.flush();
    match dumped {
        // The reader of the pipe is gone, which is no failure.
        _ if flushed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        _ if flushed.is_err() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Exception in thread \"main\" {error}");
            ExitCode::FAILURE
        }
    }
}

/// Dumps all files. A JSON document is complete even where a file ends it; Kafka's tool does not print then what was
/// wrong before.
fn dump(options: &DumpOptions, out: &mut impl Write, err: &mut impl Write) -> Result<(), DumpError> {
    let mut problems = Problems::default();
    let mut printer = DumpPrinter::new(out, options.output);
    let files = &mut options.files.iter();
    let dumped = files.try_for_each(|file| dump_file(file, options, &mut problems, &mut printer, err));
    if dumped.is_ok() || options.output.is_json() {
        printer.finish(&problems, err)?;
    }
    dumped
}

fn dump_file<W: Write>(
    file: &Path,
    options: &DumpOptions,
    problems: &mut Problems,
    printer: &mut DumpPrinter<W>,
    err: &mut impl Write,
) -> Result<(), DumpError> {
    printer.name(file)?;
    let extension = file.extension().and_then(|extension| extension.to_str());
    if matches!(extension, Some("log" | "index" | "timeindex")) {
        options.max_message_size()?;
    }
    match extension {
        Some("log") => log_file::dump(file, options, problems, printer)?,
        Some("index") => index_file::dump_offsets(file, options, problems, printer)?,
        Some("timeindex") => index_file::dump_times(file, options, problems, printer)?,
        // As in Kafka's tool: most segments have no such index.
        Some("txnindex") if !file.exists() => {}
        Some("txnindex") => index_file::dump_transactions(file, printer)?,
        Some("snapshot") => dump_snapshot(file, printer, err)?,
        _ => {
            printer.flush()?;
            writeln!(err, "Ignoring unknown file {}", file.display())?;
        }
    }
    Ok(printer.end()?)
}

/// The offset that a file of a log is named after.
fn base_offset(file: &Path) -> Result<Offset, DumpError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let digits = name.split('.').next().unwrap_or_default();
    digits.parse().map_err(|_| DumpError::NoOffset(digits.to_owned()))
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn dump_snapshot<W: Write>(
    file: &Path,
    printer: &mut DumpPrinter<W>,
    err: &mut impl Write,
) -> Result<(), DumpError> {
    let bytes = std::fs::read(file).map_err(|error| DumpError::of_file(file, &error))?;
    let entries = match snapshot::read(&bytes) {
        Ok(entries) => entries,
        Err(error) => return Ok(writeln!(err, "{error}")?),
    };
    printer.begin(file, FileKind::ProducerSnapshot)?;
    Ok(entries.iter().try_for_each(|entry| printer.entry(&ProducerRow::new(entry)))?)
}

#[cfg(test)]
mod tests;
