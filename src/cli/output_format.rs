//! `--output`: a tool prints its data as Kafka's text, or as one JSON document.
//!
//! A tool gathers its data into structs first and prints them after that, so that both forms show the same. Field
//! names of JSON are in camel case, as in the JSON of Kafka's own tools, and stay as they are: fields may be added,
//! none is renamed or removed. The shape is documented in `output.schema.json` in the tool's folder. Errors are text
//! on standard error in both forms. Kafka's tools have no such option.

use std::fmt::Arguments;

use clap::{Args, ValueEnum};
use serde::{Serialize, Serializer};

/// The form of a tool's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// The lines that Kafka's tool prints.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// The option, flattened into those of a tool that prints data.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(skip)]
pub(crate) struct OutputOption {
    /// How data is printed: text, in Kafka's lines, or json, as one document, whose shape "barnabas output-schema"
    /// prints.
    #[arg(
        id = "output",
        long = "output",
        value_name = "format",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    format: OutputFormat,
}

impl OutputOption {
    /// The option of a tool whose other arguments have no names, and these other arguments.
    pub fn take(mut arguments: Vec<String>) -> (Self, Vec<String>) {
        let known = [("text", OutputFormat::Text), ("json", OutputFormat::Json)];
        for (name, format) in known {
            if let Some(at) = arguments.windows(2).position(|pair| pair == ["--output", name]) {
                arguments.drain(at..at + 2);
                return (Self { format }, arguments);
            }
        }
        (Self::default(), arguments)
    }

    /// Whether JSON is wanted.
    pub fn is_json(self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Prints a command's data, by `print_text` where text is wanted.
    ///
    /// # Errors
    /// The data cannot be JSON: a map has keys that are no strings.
    pub fn print<T: Serialize>(self, data: &T, print_text: impl FnOnce(&T)) -> serde_json::Result<()> {
        match self.format {
            OutputFormat::Text => print_text(data),
            OutputFormat::Json => println!("{}", serde_json::to_string(data)?),
        }
        Ok(())
    }

    /// Prints a line that is no data, and that Kafka's tool has on standard output: beside a JSON document it goes to
    /// standard error.
    pub fn note(self, line: Arguments<'_>) {
        match self.format {
            OutputFormat::Text => println!("{line}"),
            OutputFormat::Json => eprintln!("{line}"),
        }
    }
}

/// Serializes pairs of names and values as a JSON object, in their order: `#[serde(serialize_with = "as_object")]`.
pub(crate) fn as_object<S: Serializer>(pairs: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}
