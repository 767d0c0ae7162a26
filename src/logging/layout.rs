//! How a line is laid out: log4j's conversion patterns, as `[%d] %p %m (%c)%n`.
//!
//! log4j: `PatternLayout`. Known are %c, %C, %d, %m, %n, %p, %r, %t and %x, with widths, and dates in Java's patterns.

use std::io::{self, Write};

use log::Record;

use super::date_pattern::to_strftime;

/// log4j's default date: ISO 8601 with a comma before the milliseconds.
const ISO8601: &str = "%Y-%m-%d %H:%M:%S,%3f";

/// A part of a conversion pattern that is not known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnknownPattern {
    /// A conversion, with its percent sign.
    #[error("{0}")]
    Conversion(String),
    /// A letter of a date's pattern.
    #[error("the letter {letter} in %d{{{pattern}}}")]
    DateLetter {
        /// The letter.
        letter: char,
        /// The whole pattern of the date.
        pattern: String,
    },
}

/// A conversion pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// A value, padded to a minimum and truncated to a maximum of letters.
    Converted(Conversion, Padding),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Padding {
    least: usize,
    most: Option<usize>,
    /// Whether the padding stands on the right.
    left: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Conversion {
    /// The logger's name; only its last parts where the pattern has a precision.
    Logger(Option<usize>),
    /// The time, by a `strftime` pattern.
    Date(String),
    Message,
    Level,
    Thread,
    /// log4j's diagnostic context of a thread; always empty here.
    Nothing,
}

impl Layout {
    /// Kafka's layout.
    pub fn of_kafka() -> Self {
        Self::parse("[%d] %p %m (%c)%n").unwrap_or_else(|_| Self(Vec::new()))
    }

    /// Parses a pattern.
    ///
    /// # Errors The part of it that is not known.
    pub fn parse(pattern: &str) -> Result<Self, UnknownPattern> {
        let (mut parts, mut rest) = (Vec::new(), pattern);
        while let Some(at) = rest.find('%') {
            if at > 0 {
                parts.push(Part::Literal(rest[..at].to_owned()));
            }
            let (part, behind) = conversion(&rest[at + 1..])?;
            parts.push(part);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Writes a line that the logger of this name logs.
    pub fn write(&self, out: &mut impl Write, logger: &str, record: &Record<'_>) -> io::Result<()> {
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.write_all(text.as_bytes())?,
                Part::Converted(Conversion::Message, Padding { least: 0, most: None, .. }) => {
                    write!(out, "{}", record.args())?;
                }
                Part::Converted(value, width) => {
                    out.write_all(width.apply(value.text(logger, record)).as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

/// The conversion that stands behind a percent sign, and the rest of the pattern.
fn conversion(text: &str) -> Result<(Part, &str), UnknownPattern> {
    let unknown = |part: &str| UnknownPattern::Conversion(format!("%{part}"));
    let letters = text.find(|letter: char| letter.is_ascii_alphabetic() || letter == '%');
    let at = letters.ok_or_else(|| unknown(text))?;
    let width = Padding::parse(&text[..at]).ok_or_else(|| unknown(&text[..=at]))?;
    let (letter, mut rest) = (text.as_bytes()[at], &text[at + 1..]);
    let mut option = None;
    if let Some((inside, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        (option, rest) = (Some(inside), behind);
    }
    let value = match letter {
        b'%' => return Ok((Part::Literal("%".to_owned()), rest)),
        b'n' => return Ok((Part::Literal("\n".to_owned()), rest)),
        b'c' | b'C' => Conversion::Logger(option.and_then(|count| count.parse().ok())),
        b'd' => Conversion::Date(date(option)?),
        b'm' => Conversion::Message,
        b'p' => Conversion::Level,
        b't' => Conversion::Thread,
        b'x' | b'X' => Conversion::Nothing,
        _ => return Err(unknown(&text[at..=at])),
    };
    Ok((Part::Converted(value, width), rest))
}

fn date(pattern: Option<&str>) -> Result<String, UnknownPattern> {
    match pattern {
        None | Some("" | "ISO8601") => Ok(ISO8601.to_owned()),
        Some("ABSOLUTE") => Ok("%H:%M:%S,%3f".to_owned()),
        Some("DATE") => Ok("%d %b %Y %H:%M:%S,%3f".to_owned()),
        Some(pattern) => {
            let unknown = |letter| UnknownPattern::DateLetter { letter, pattern: pattern.to_owned() };
            to_strftime(pattern).map_err(unknown)
        }
    }
}

impl Conversion {
    fn text(&self, logger: &str, record: &Record<'_>) -> String {
        match self {
            Self::Logger(None) => logger.to_owned(),
            Self::Logger(Some(count)) => {
                let parts: Vec<_> = logger.split('.').collect();
                parts[parts.len().saturating_sub(*count)..].join(".")
            }
            Self::Date(pattern) => jiff::Zoned::now().strftime(pattern).to_string(),
            Self::Message => record.args().to_string(),
            Self::Level => record.level().to_string(),
            Self::Thread => std::thread::current().name().unwrap_or("main").to_owned(),
            Self::Nothing => String::new(),
        }
    }
}

impl Padding {
    /// `-5.10`: padded on the right to 5 letters, and truncated to the last 10.
    fn parse(text: &str) -> Option<Self> {
        let (sizes, left) = text.strip_prefix('-').map_or((text, false), |sizes| (sizes, true));
        let (least, most) = sizes.split_once('.').map_or((sizes, None), |(least, most)| (least, Some(most)));
        let least = if least.is_empty() { 0 } else { least.parse().ok()? };
        let most = most.map(str::parse).transpose().ok()?;
        Some(Self { least, most, left })
    }

    fn apply(self, text: String) -> String {
        let count = text.chars().count();
        let text = match self.most {
            Some(most) if count > most => text.chars().skip(count - most).collect(),
            _ => text,
        };
        let least = self.least;
        if self.left { format!("{text:<least$}") } else { format!("{text:>least$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pattern: &str) -> String {
        let mut out = Vec::new();
        let args = format_args!("a message");
        let record = Record::builder().level(log::Level::Warn).args(args).build();
        Layout::parse(pattern).unwrap().write(&mut out, "kafka.server.KafkaServer", &record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_laid_out_by_its_pattern() {
        assert_eq!(line("%p %m (%c)%n"), "WARN a message (kafka.server.KafkaServer)\n");
        assert_eq!(line("%-5p|%7p|%c{2}|%.6c|100%%"), "WARN |   WARN|server.KafkaServer|Server|100%");
        let dated = line("[%d] %m");
        assert!(dated.len() == "[2026-11-28 09:41:59,123] a message".len() && dated.as_bytes()[20] == b',');
        assert_eq!(line("%d{yyyy}").len(), 4);
    }

    #[test]
    fn what_is_not_known_is_named() {
        let refusal = |pattern| Layout::parse(pattern).unwrap_err().to_string();
        assert_eq!(refusal("%p %F"), "%F");
        assert_eq!(refusal("%d{QQ}"), "the letter Q in %d{QQ}");
        assert_eq!(refusal("%"), "%");
    }
}
