//! The versions of Kafka that `inter.broker.protocol.version` and `log.message.format.version` name. Pure.
//!
//! Code compares a version with a constant ([`KafkaVersion::V2_7_IV2`]), never with a text. Kafka's
//! `ApiVersion`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// A row of the table of versions.
struct VersionRow {
    /// The name in full, e.g. `2.7-IV2`.
    name: &'static str,
    /// The release that it was part of, e.g. `2.7`; that name stands for the newest of the release.
    release: &'static str,
    /// The message format that this version writes: 0, 1 or 2.
    magic: i8,
}

/// Every version in order: `constant = name, release, message format;`. Yields the table and the constants.
macro_rules! versions {
    ($($constant:ident = $name:literal, $release:literal, $magic:literal;)+) => {
        const VERSIONS: &[VersionRow] = &[$(VersionRow { name: $name, release: $release, magic: $magic },)+];

        /// The index of each version in the table.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index {
            $($constant,)+
        }

        impl KafkaVersion {
            $(
                #[doc = concat!("Version ", $name, ".")]
                pub const $constant: Self = Self { index: Index::$constant as usize, text: Cow::Borrowed($name) };
            )+
        }
    };
}
versions! {
    V0_8_0 = "0.8.0", "0.8.0", 0;
    V0_8_1 = "0.8.1", "0.8.1", 0;
    V0_8_2 = "0.8.2", "0.8.2", 0;
    V0_9_0 = "0.9.0", "0.9.0", 0;
    V0_10_0_IV0 = "0.10.0-IV0", "0.10.0", 1;
    V0_10_0_IV1 = "0.10.0-IV1", "0.10.0", 1;
    V0_10_1_IV0 = "0.10.1-IV0", "0.10.1", 1;
    V0_10_1_IV1 = "0.10.1-IV1", "0.10.1", 1;
    V0_10_1_IV2 = "0.10.1-IV2", "0.10.1", 1;
    V0_10_2_IV0 = "0.10.2-IV0", "0.10.2", 1;
    V0_11_0_IV0 = "0.11.0-IV0", "0.11.0", 2;
    V0_11_0_IV1 = "0.11.0-IV1", "0.11.0", 2;
    V0_11_0_IV2 = "0.11.0-IV2", "0.11.0", 2;
    V1_0_IV0 = "1.0-IV0", "1.0", 2;
    V1_1_IV0 = "1.1-IV0", "1.1", 2;
    V2_0_IV0 = "2.0-IV0", "2.0", 2;
    V2_0_IV1 = "2.0-IV1", "2.0", 2;
    V2_1_IV0 = "2.1-IV0", "2.1", 2;
    V2_1_IV1 = "2.1-IV1", "2.1", 2;
    V2_1_IV2 = "2.1-IV2", "2.1", 2;
    V2_2_IV0 = "2.2-IV0", "2.2", 2;
    V2_2_IV1 = "2.2-IV1", "2.2", 2;
    V2_3_IV0 = "2.3-IV0", "2.3", 2;
    V2_3_IV1 = "2.3-IV1", "2.3", 2;
    V2_4_IV0 = "2.4-IV0", "2.4", 2;
    V2_4_IV1 = "2.4-IV1", "2.4", 2;
    V2_5_IV0 = "2.5-IV0", "2.5", 2;
    V2_6_IV0 = "2.6-IV0", "2.6", 2;
    V2_7_IV0 = "2.7-IV0", "2.7", 2;
    V2_7_IV1 = "2.7-IV1", "2.7", 2;
    V2_7_IV2 = "2.7-IV2", "2.7", 2;
}

/// A version of Kafka, ordered by time; prints as it was given.
#[doc(alias = "ApiVersion")]
#[derive(Clone, Debug, Eq)]
pub struct KafkaVersion {
    /// Invariant: an index of the table of versions.
    index: usize,
    text: Cow<'static, str>,
}

impl KafkaVersion {
    /// The version of Kafka that Barnabas implements.
    pub const LATEST: Self = Self::V2_7_IV2;

    /// The version a text names: exactly, or by its first parts (`2.7`, `2.7.2`), which means the newest of that
    /// release.
    ///
    /// # Errors
    /// [`UnknownVersion`] where there is no such version.
    pub fn parse(text: &str) -> Result<Self, UnknownVersion> {
        let exact = VERSIONS.iter().position(|row| row.name == text);
        let parts: Vec<&str> = text.split('.').collect();
        let kept = if parts.first() == Some(&"0") { 3 } else { 2 };
        let release = parts[..parts.len().min(kept)].join(".");
        let found = exact.or_else(|| VERSIONS.iter().rposition(|row| row.release == release));
        match found {
            Some(index) => Ok(Self { index, text: Cow::Owned(text.to_owned()) }),
            None => Err(UnknownVersion(text.to_owned())),
        }
    }

    /// The message format that this version writes: 0, 1 or 2.
    pub fn magic(&self) -> i8 {
        VERSIONS[self.index].magic
    }

    /// Whether this is `other` or a newer version.
    pub fn at_least(&self, other: Self) -> bool {
        *self >= other
    }
}

/// A text that names no version of Kafka; prints Kafka's sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Version `{0}` is not a valid version")]
pub struct UnknownVersion(String);

impl Default for KafkaVersion {
    fn default() -> Self {
        Self::LATEST
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl PartialEq for KafkaVersion {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl PartialOrd for KafkaVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KafkaVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.index.cmp(&other.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_means_its_newest_version() {
        let parsed = KafkaVersion::parse;
        assert_eq!(parsed("2.7"), Ok(KafkaVersion::V2_7_IV2));
        assert_eq!(parsed("2.7.2"), Ok(KafkaVersion::V2_7_IV2));
        assert_eq!(parsed("2.7-IV0"), Ok(KafkaVersion::V2_7_IV0));
        assert_eq!(parsed("0.10.0.1"), Ok(KafkaVersion::V0_10_0_IV1));
        assert_eq!(parsed("3.0").unwrap_err().to_string(), "Version `3.0` is not a valid version");
        assert!(parsed("1.0").unwrap() < parsed("1.1").unwrap());
        assert!(KafkaVersion::LATEST.at_least(KafkaVersion::V2_7_IV0));
    }

    #[test]
    fn every_constant_is_the_version_of_its_name() {
        for (constant, name) in [
            (KafkaVersion::V0_8_0, "0.8.0"),
            (KafkaVersion::V0_11_0_IV2, "0.11.0-IV2"),
            (KafkaVersion::LATEST, "2.7-IV2"),
        ] {
            assert_eq!(KafkaVersion::parse(name), Ok(constant.clone()));
            assert_eq!(constant.to_string(), name);
        }
        assert_eq!(KafkaVersion::LATEST.index, VERSIONS.len() - 1);
    }
}
