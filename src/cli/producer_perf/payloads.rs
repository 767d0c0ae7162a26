//! The values of the records that are sent.

use std::path::Path;

use bytes::Bytes;

use crate::cli::java_random::JavaRandom;
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;

/// One payload for all records, or one of several by chance.
#[derive(Debug)]
pub(super) struct Payloads {
    /// Invariant: not empty.
    choices: Vec<Bytes>,
    random: JavaRandom,
}

impl Payloads {
    /// Letters that make up so many bytes.
    ///
    /// # Errors
    /// A negative size.
    pub(super) fn of_size(size: i32) -> Result<Self, JavaThrowable> {
        let size = usize::try_from(size)
            .map_err(|_| JavaThrowable::new("java.lang.NegativeArraySizeException", size.to_string()))?;
        let mut random = JavaRandom::new(0);
        Ok(Self { choices: vec![random.letters(size).into()], random })
    }

    /// Those of a file, between which a delimiter stands. Prints how many there are.
    ///
    /// # Errors
    /// The file is not there, empty or has no payloads; the delimiter is no regular expression.
    pub(super) fn of_file(file: &str, delimiter: &str, output: OutputOption) -> Result<Self, JavaThrowable> {
        let path = std::path::absolute(file).unwrap_or_else(|_| Path::new(file).to_owned());
        output.note(format_args!("Reading payloads from: {}", path.display()));
        let text = std::fs::read(&path).unwrap_or_default();
        if text.is_empty() {
            let message = "File does not exist or empty file provided.";
            return Err(JavaThrowable::new("java.lang.IllegalArgumentException", message));
        }
        let choices = split(&String::from_utf8_lossy(&text), delimiter)?;
        output.note(format_args!("Number of messages read: {}", choices.len()));
        if choices.is_empty() {
            let message = "bound must be positive";
            return Err(JavaThrowable::new("java.lang.IllegalArgumentException", message));
        }
        Ok(Self { choices, random: JavaRandom::new(0) })
    }

    /// The next record's payload.
    pub(super) fn next(&mut self) -> Bytes {
        match self.choices.as_slice() {
            [only] => only.clone(),
            several => several[self.random.below(several.len() as u32) as usize].clone(),
        }
    }
}

/// The parts between a delimiter, as Java splits them: empty ones at the end are left out.
fn split(text: &str, delimiter: &str) -> Result<Vec<Bytes>, JavaThrowable> {
    let delimiter = if delimiter == "\\n" { "\n" } else { delimiter };
    let pattern = regex::Regex::new(delimiter)
        .map_err(|error| JavaThrowable::new("java.util.regex.PatternSyntaxException", error.to_string()))?;
    let mut parts: Vec<&str> = pattern.split(text).collect();
    while parts.pop_if(|last| last.is_empty()).is_some() {}
    Ok(parts.into_iter().map(|part| Bytes::copy_from_slice(part.as_bytes())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_payload_between_two_delimiters() {
        assert_eq!(split("a\nb\n\nc\n\n", "\\n").unwrap(), ["a", "b", "", "c"]);
        assert_eq!(split("a, b,c", ", *").unwrap(), ["a", "b", "c"]);
        assert!(split("\n\n", "\\n").unwrap().is_empty());
        assert!(split("a", "(").is_err());
    }

    #[test]
    fn records_take_payloads_by_chance_and_the_same_ones_each_time() {
        let drawn = || {
            let choices = split("a\nb\nc", "\\n").unwrap();
            let mut payloads = Payloads { choices, random: JavaRandom::new(0) };
            (0..20).map(|_| payloads.next()).collect::<Vec<_>>()
        };
        assert_eq!(drawn(), drawn());
        assert!(["a", "b", "c"].iter().all(|it| drawn().iter().any(|drawn| drawn == it)));
        assert_eq!(Payloads::of_size(5).unwrap().next(), "SSXVN");
        assert!(Payloads::of_size(-1).is_err());
    }
}
