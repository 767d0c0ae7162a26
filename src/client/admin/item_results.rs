//! What became of each item of a call, and how an answer is read that should have a result for each item asked about.
//!
//! Pure. An item that the answer lacks or has twice ends in an error; a result that was not asked for is dropped.
//! Kafka: `KafkaFuture.allOf`, `KafkaAdminClient.completeUnrealizedFutures`.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt::Display;
use std::ops::Deref;

use crate::client::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// What became of each item of a call: a map from every item that was given to its result.
///
/// It reads as a map. [`ItemResults::all`] is for callers that need all items to have succeeded.
#[derive(Clone, Debug)]
#[must_use]
pub struct ItemResults<K, V>(BTreeMap<K, Result<V, ClientError>>);

impl<K: Ord, V> ItemResults<K, V> {
    /// The values of all items.
    ///
    /// # Errors
    /// That of the first item without a value, in the order of the items.
    pub fn all(self) -> Result<BTreeMap<K, V>, ClientError> {
        self.0.into_iter().map(|(item, result)| result.map(|value| (item, value))).collect()
    }

    /// The value of the item, where the call had only one; its default where the call had none.
    ///
    /// # Errors
    /// That of the first item.
    pub fn only(self) -> Result<V, ClientError>
    where
        V: Default,
    {
        self.0.into_values().next().unwrap_or_else(|| Ok(V::default()))
    }
}

impl<K, V> Deref for ItemResults<K, V> {
    type Target = BTreeMap<K, Result<V, ClientError>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K: Ord, V> FromIterator<(K, Result<V, ClientError>)> for ItemResults<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, Result<V, ClientError>)>>(results: I) -> Self {
        Self(results.into_iter().collect())
    }
}

impl<K, V> IntoIterator for ItemResults<K, V> {
    type Item = (K, Result<V, ClientError>);
    type IntoIter = btree_map::IntoIter<K, Result<V, ClientError>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The results that an answer has so far of the items that were asked about.
#[derive(Debug)]
pub(super) struct AnsweredItems<K, V> {
    /// None until the answer has a result of the item. The keys are the items asked about, and do not change.
    results: BTreeMap<K, Option<Result<V, ClientError>>>,
}

impl<K: Ord + Clone + Display, V> AnsweredItems<K, V> {
    /// No result yet of these items.
    pub(super) fn new(items: &[K]) -> Self {
        Self { results: items.iter().map(|item| (item.clone(), None)).collect() }
    }

    /// Takes an item's result. A second result of the same item makes it an error: it is not known which one counts.
    pub(super) fn insert(&mut self, item: &K, result: Result<V, ClientError>) {
        let Some(slot) = self.results.get_mut(item) else { return };
        *slot = Some(match slot {
            None => result,
            Some(_) => Err(unknown_result(format!("The broker's response has two results for {item}"))),
        });
    }

    /// Takes an item's result by its error code and text: `value` where there is no error.
    pub(super) fn insert_checked(&mut self, item: &K, code: i16, message: Option<&str>, value: V) {
        self.insert(item, ClientError::check(code, message).map(|()| value));
    }

    /// Every item that was asked about, and its result.
    pub(super) fn finish(self) -> impl Iterator<Item = (K, Result<V, ClientError>)> {
        self.results.into_iter().map(|(item, result)| {
            let missing =
                || Err(unknown_result(format!("The broker's response did not contain a result for {item}")));
            let result = result.unwrap_or_else(missing);
            (item, result)
        })
    }
}

/// The error of a broker whose answer cannot be trusted.
fn unknown_result(message: String) -> ClientError {
    refused(ErrorCode::UnknownServerError, message)
}

/// An error as a broker answers it, where the client itself refuses a call or an answer.
pub(super) fn refused(error: ErrorCode, message: impl Into<String>) -> ClientError {
    ClientError::Refused { error, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(results: &[(&str, i16)]) -> ItemResults<String, i32> {
        let mut found = AnsweredItems::new(&["a", "b"].map(str::to_owned));
        for (item, code) in results {
            found.insert_checked(&(*item).to_owned(), *code, None, 7);
        }
        found.finish().collect()
    }

    fn text(results: &ItemResults<String, i32>, item: &str) -> String {
        results[item].as_ref().unwrap_err().to_string()
    }

    #[test]
    fn every_item_has_one_result_whatever_the_answer_holds() {
        assert_eq!(answered(&[("b", 0), ("a", 0)]).all().unwrap().len(), 2);
        let missing = answered(&[("a", 0)]);
        assert_eq!(*missing["a"].as_ref().unwrap(), 7);
        assert_eq!(text(&missing, "b"), "The broker's response did not contain a result for b");
        let foreign = answered(&[("a", 0), ("c", 0), ("b", 3)]);
        assert_eq!(foreign.len(), 2, "c was not asked for");
        assert_eq!(text(&foreign, "b"), ErrorCode::UnknownTopicOrPartition.message());
        let twice = answered(&[("a", 0), ("a", 41), ("a", 0), ("b", 0)]);
        assert_eq!(text(&twice, "a"), "The broker's response has two results for a");
        assert!(twice["b"].is_ok());
    }

    #[test]
    fn all_fails_with_the_first_item_that_failed() {
        let error = answered(&[("a", 36), ("b", 3)]).all().unwrap_err();
        assert!(
            matches!(error, ClientError::Refused { error: ErrorCode::TopicAlreadyExists, .. }),
            "{error:?}"
        );
        assert_eq!(answered(&[("a", 0)]).only().unwrap(), 7);
    }
}
