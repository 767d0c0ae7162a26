//! The configs that a command sets and removes, as `--add-config`, `--add-config-file` and `--delete-config` have them.
//!
//! Pure but for reading the file. Kafka: `ConfigCommand.parseConfigsToBeAdded`, `parseConfigsToBeDeleted`.

use super::options::ConfigsOptions;
use super::refusal;
use crate::base::jvm_order;
use crate::cli::java::FileException;
use crate::cli::throwable::JavaThrowable;
use crate::config::Properties;

/// The configs that a command sets and removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GivenChanges {
    /// Key and value; each key once, in the order of Java's properties.
    pub add: Vec<(String, String)>,
    pub delete: Vec<String>,
}

impl GivenChanges {
    /// The changes of a command.
    pub fn read(options: &ConfigsOptions) -> Result<Self, JavaThrowable> {
        let mut add = Vec::new();
        if let Some(file) = &options.add_config_file {
            let read = Properties::read(file).map_err(|error| FileException::of(file, &error))?;
            read.iter().for_each(|(key, value)| set(&mut add, key, value.to_owned()));
        }
        if let Some(text) = &options.add_config {
            parse(text, &mut add)?;
        }
        let delete = options.delete_config.iter().flat_map(|keys| keys.split(','));
        let delete = delete.filter(|key| !key.is_empty()).map(|key| trim(key).to_owned()).collect();
        Ok(Self { add: jvm_order::properties(add), delete })
    }

    /// The value that is set for a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.add.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Refuses to remove a key that `has` does not know.
    pub fn check_deleted(&self, has: impl Fn(&str) -> bool) -> Result<(), JavaThrowable> {
        let invalid: Vec<_> = self.delete.iter().map(String::as_str).filter(|key| !has(key)).collect();
        match invalid[..] {
            [] => Ok(()),
            _ => Err(refusal(format!("Invalid config(s): {}", invalid.join(",")))),
        }
    }
}

/// `key=value` pairs with commas between them. Commas and equals signs in brackets belong to a value; the brackets
/// do not.
fn parse(text: &str, add: &mut Vec<(String, String)>) -> Result<(), JavaThrowable> {
    let mut pairs = split(text, ',');
    // Java's split drops what is empty at the end, but not a text that is empty as a whole.
    while pairs.len() > 1 && pairs.last().is_some_and(|last| last.is_empty()) {
        pairs.pop();
    }
    if text.starts_with(',') && pairs.iter().all(|pair| pair.is_empty()) {
        pairs.clear();
    }
    let pairs: Vec<_> = pairs.into_iter().map(|pair| split(pair, '=')).collect();
    if pairs.iter().any(|pair| pair.len() != 2) {
        return Err(refusal(
            "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\".",
        ));
    }
    for pair in pairs {
        let value = pair[1].replace(['[', ']'], "");
        set(add, trim(pair[0]), trim(&value).to_owned());
    }
    Ok(())
}

/// The parts of a text between those separators that stand in no brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let is_outside = |at: usize| match text[at..].find(['[', ']']) {
        None => true,
        Some(bracket) => text[at + bracket..].starts_with('['),
    };
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, _) in text.match_indices(separator).filter(|(at, _)| is_outside(*at)) {
        parts.push(&text[from..at]);
        from = at + separator.len_utf8();
    }
    parts.push(&text[from..]);
    parts
}

/// Without the letters up to the space at both ends, as Java's `trim`.
fn trim(text: &str) -> &str {
    text.trim_matches(|letter| letter <= ' ')
}

/// Sets a key as a map does: a key that is known keeps its position.
fn set(pairs: &mut Vec<(String, String)>, key: &str, value: String) {
    match pairs.iter_mut().find(|(known, _)| known == key) {
        Some((_, current)) => *current = value,
        None => pairs.push((key.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> Option<Vec<(String, String)>> {
        let mut add = Vec::new();
        parse(text, &mut add).ok().map(|()| add)
    }

    fn pairs(expected: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn brackets_hold_a_value_together() {
        assert_eq!(added("a=1,b=2"), pairs(&[("a", "1"), ("b", "2")]));
        let lists = "cleanup.policy=[compact,delete],retention.ms=1";
        assert_eq!(added(lists), pairs(&[("cleanup.policy", "compact,delete"), ("retention.ms", "1")]));
        let credentials = "SCRAM-SHA-256=[iterations=8192,password=p=q],SCRAM-SHA-512=[password=x]";
        let expected = [("SCRAM-SHA-256", "iterations=8192,password=p=q"), ("SCRAM-SHA-512", "password=x")];
        assert_eq!(added(credentials), pairs(&expected));
        assert_eq!(added(" a = 1 , b = [ 2 ] "), pairs(&[("a", "1"), ("b", "2")]));
    }

    #[test]
    fn a_value_may_be_empty_and_a_pair_may_not() {
        assert_eq!(
            added("ssl.endpoint.identification.algorithm="),
            pairs(&[("ssl.endpoint.identification.algorithm", "")])
        );
        assert_eq!(added("a=1,"), pairs(&[("a", "1")]));
        assert_eq!(added("a=1,a=2"), pairs(&[("a", "2")]));
        assert_eq!(added(","), pairs(&[]));
        for wrong in ["", "a", "a=1,b", ",a=1", "a=1=2", "a=1,,b=2"] {
            assert_eq!(added(wrong), None, "{wrong}");
        }
    }
}
