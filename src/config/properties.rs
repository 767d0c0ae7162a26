//! The syntax of Java's properties files: escapes, continuations, ISO-8859-1 (`java.util.Properties`).

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

/// Keys and their values, sorted by key; of a key that appears twice the last value counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

/// The keys alone: any value may be a password.
impl fmt::Debug for Properties {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Properties {
    /// The properties of a file.
    ///
    /// # Errors Those of reading it, and `InvalidData` where an escape in it is not valid.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::parse(&std::fs::read(path)?)
    }

    /// The properties of a file's bytes.
    ///
    /// # Errors `InvalidData` where an escape is not valid.
    pub fn parse(bytes: &[u8]) -> io::Result<Self> {
        java_properties::read(&*ascii(bytes))
            .map(|read| Self(read.into_iter().collect()))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The value of a key as it was written.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Sets the value of a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The bytes with every one beyond ASCII as an escape. The library would take a byte order mark for a sign of
/// another encoding; in Java it is three letters of the first key.
fn ascii(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut escaping = false;
    for &byte in bytes {
        match byte {
            0x80.. => {
                // A backslash before the byte has no meaning of its own, and begins the escape.
                let backslash = if escaping { "" } else { "\\" };
                text.extend_from_slice(format!("{backslash}u{byte:04x}").as_bytes());
            }
            byte => text.push(byte),
        }
        escaping = byte == b'\\' && !escaping;
    }
    text
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_java_reads_them() {
        let text = b"# comment \xe4\na=1\nb : two words\nc.d=\\\n  continued\nrack=r\\u00e4ck\nlatin=r\xe4ck\na=2\n! also a comment\n";
        let read = Properties::parse(text).unwrap();
        let pairs: Vec<_> = read.iter().collect();
        assert_eq!(
            pairs,
            [("a", "2"), ("b", "two words"), ("c.d", "continued"), ("latin", "räck"), ("rack", "räck")]
        );
    }

    #[test]
    fn a_byte_order_mark_is_part_of_the_first_key() {
        let read = Properties::parse(b"\xef\xbb\xbfbroker.id=1\nrack=\\\xe4\\\\\xe4\n").unwrap();
        let pairs: Vec<_> = read.iter().collect();
        assert_eq!(pairs, [("rack", "\u{e4}\\\u{e4}"), ("\u{ef}\u{bb}\u{bf}broker.id", "1")]);
    }
}
