//! The versions of Kafka that `inter.broker.protocol.version` and `message.format.version` name (`ApiVersion`) ★.

use std::cmp::Ordering;
use std::fmt;

/// Every version, its short name and the message format (magic) it introduced or kept; in order.
const VERSIONS: &[(&str, &str, i8)] = &[
    ("0.8.0", "0.8.0", 0),
    ("0.8.1", "0.8.1", 0),
    ("0.8.2", "0.8.2", 0),
    ("0.9.0", "0.9.0", 0),
    ("0.10.0-IV0", "0.10.0", 1),
    ("0.10.0-IV1", "0.10.0", 1),
    ("0.10.1-IV0", "0.10.1", 1),
    ("0.10.1-IV1", "0.10.1", 1),
    ("0.10.1-IV2", "0.10.1", 1),
    ("0.10.2-IV0", "0.10.2", 1),
    ("0.11.0-IV0", "0.11.0", 2),
    ("0.11.0-IV1", "0.11.0", 2),
    ("0.11.0-IV2", "0.11.0", 2),
    ("1.0-IV0", "1.0", 2),
    ("1.1-IV0", "1.1", 2),
    ("2.0-IV0", "2.0", 2),
    ("2.0-IV1", "2.0", 2),
    ("2.1-IV0", "2.1", 2),
    ("2.1-IV1", "2.1", 2),
    ("2.1-IV2", "2.1", 2),
    ("2.2-IV0", "2.2", 2),
    ("2.2-IV1", "2.2", 2),
    ("2.3-IV0", "2.3", 2),
    ("2.3-IV1", "2.3", 2),
    ("2.4-IV0", "2.4", 2),
    ("2.4-IV1", "2.4", 2),
    ("2.5-IV0", "2.5", 2),
    ("2.6-IV0", "2.6", 2),
    ("2.7-IV0", "2.7", 2),
    ("2.7-IV1", "2.7", 2),
    ("2.7-IV2", "2.7", 2),
];

/// A version of Kafka, ordered by time; prints as it was given.
#[derive(Clone, Debug, Eq)]
pub struct KafkaVersion {
    at: usize,
    text: String,
}

impl KafkaVersion {
    /// The version a text names: exactly, or by its first parts (`2.7`, `2.7.2`), which means the newest of that release.
    ///
    /// # Errors
    /// Kafka's reason where there is no such version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let exact = VERSIONS.iter().position(|(name, _, _)| *name == text);
        let parts: Vec<&str> = text.split('.').collect();
        let kept = if parts.first() == Some(&"0") { 3 } else { 2 };
        let short = parts[..parts.len().min(kept)].join(".");
        let found = exact.or_else(|| VERSIONS.iter().rposition(|(_, name, _)| *name == short));
        match found {
            Some(at) => Ok(Self { at, text: text.to_owned() }),
            None => Err(format!("Version `{text}` is not a valid version")),
        }
    }

    /// The version that Barnabas speaks, 2.7.
    pub fn latest() -> Self {
        Self::default()
    }

    /// Its name in full, e.g. `2.7-IV2`.
    pub fn name(&self) -> &'static str {
        VERSIONS[self.at].0
    }

    /// Its name in short, e.g. `2.7`.
    pub fn short_name(&self) -> &'static str {
        VERSIONS[self.at].1
    }

    /// The message format that it writes: 0, 1 or 2.
    pub fn magic(&self) -> i8 {
        VERSIONS[self.at].2
    }

    /// Whether it is this version or a newer one; false for a name that does not exist.
    pub fn is_at_least(&self, name: &str) -> bool {
        VERSIONS.iter().position(|(other, _, _)| *other == name).is_some_and(|other| self.at >= other)
    }
}

impl Default for KafkaVersion {
    fn default() -> Self {
        let at = VERSIONS.len() - 1;
        Self { at, text: VERSIONS[at].0.to_owned() }
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl PartialEq for KafkaVersion {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl PartialOrd for KafkaVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KafkaVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_means_its_newest_version() {
        let name = |text| KafkaVersion::parse(text).map(|version| version.name());
        assert_eq!(name("2.7"), Ok("2.7-IV2"));
        assert_eq!(name("2.7.2"), Ok("2.7-IV2"));
        assert_eq!(name("2.7-IV0"), Ok("2.7-IV0"));
        assert_eq!(name("0.10.0.1"), Ok("0.10.0-IV1"));
        assert_eq!(name("3.0"), Err("Version `3.0` is not a valid version".to_owned()));
        assert!(KafkaVersion::parse("1.0").unwrap() < KafkaVersion::parse("1.1").unwrap());
        assert!(KafkaVersion::latest().is_at_least("2.7-IV0"));
    }
}
