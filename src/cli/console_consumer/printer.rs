//! Records on standard output, until as many have come as were asked for.
//!
//! Kafka: `ConsoleConsumer.process`, `checkErr`, `reportRecordCount`.

use std::io::{BufWriter, Stdout, Write};

use super::ConsumeEnd;
use super::format::FormatError;
use super::options::PrintOptions;
use crate::client::consumer::ConsumerRecordRef;

/// Prints records and counts them.
pub(super) struct RecordPrinter {
    options: PrintOptions,
    out: BufWriter<Stdout>,
    count: u64,
}

impl RecordPrinter {
    /// Prints to standard output.
    pub(super) fn new(options: PrintOptions) -> Self {
        Self { options, out: BufWriter::new(std::io::stdout()), count: 0 }
    }

    /// How many records have come, those included that could not be printed.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether as many records have come as were asked for.
    pub(super) fn is_done(&self) -> bool {
        self.options.most.is_some_and(|most| self.count >= most)
    }

    /// Prints a record.
    ///
    /// # Errors
    /// Why no more can be printed: the reader of the output is gone, or the record cannot be printed.
    pub(super) fn print(&mut self, record: &ConsumerRecordRef<'_>) -> Result<(), ConsumeEnd> {
        self.count += 1;
        match self.options.formatter.write(record, &mut self.out) {
            Ok(()) => Ok(()),
            Err(FormatError::Output(_)) => Err(ConsumeEnd::Unread),
            Err(FormatError::Record { class, message }) if self.options.skip_errors => {
                log::error!(
                    target: "kafka.tools.ConsoleConsumer$",
                    "Error processing message, skipping this message: "
                );
                eprintln!("{class}: {message}");
                Ok(())
            }
            Err(FormatError::Record { class, message }) => {
                Err(ConsumeEnd::Unprintable(format!("{class}: {message}")))
            }
        }
    }

    /// Has the reader of the output see what was printed.
    ///
    /// # Errors
    /// The reader is gone.
    pub(super) fn flush(&mut self) -> Result<(), ConsumeEnd> {
        self.out.flush().map_err(|_| ConsumeEnd::Unread)
    }
}
