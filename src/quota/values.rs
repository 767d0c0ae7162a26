//! The quotas of an entity, as its configs set them.
//!
//! Pure. Kafka: `DynamicConfig.QuotaConfigs`, `QuotaType`, `ClientQuotaType`.

use std::collections::BTreeMap;

/// What a client quota bounds.
#[doc(alias = "QuotaType")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClientQuotaType {
    /// Bytes a second that are produced.
    Produce,
    /// Bytes a second that are fetched.
    Fetch,
    /// The time of request threads, in percent of one thread.
    Request,
    /// Partitions a second that are created or deleted (KIP-599).
    ControllerMutation,
}

impl ClientQuotaType {
    /// All, in the order in which Kafka applies them.
    pub const ALL: [Self; 4] = [Self::Produce, Self::Fetch, Self::Request, Self::ControllerMutation];

    /// The key that sets it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Produce => "producer_byte_rate",
            Self::Fetch => "consumer_byte_rate",
            Self::Request => "request_percentage",
            Self::ControllerMutation => "controller_mutation_rate",
        }
    }

    /// The quota that a key sets.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }

    /// Its name in metrics and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce => "Produce",
            Self::Fetch => "Fetch",
            Self::Request => "Request",
            Self::ControllerMutation => "ControllerMutation",
        }
    }

    /// Whether its values are whole numbers.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Produce | Self::Fetch)
    }

    /// The quota's value from text.
    ///
    /// # Errors
    /// [`QuotaValueError`].
    pub fn parse(self, text: &str) -> Result<f64, QuotaValueError> {
        let whole = || text.parse::<i64>().ok().map(|value| value as f64);
        let value = if self.is_whole() { whole() } else { text.trim().parse().ok() };
        value.ok_or_else(|| QuotaValueError { key: self.key(), value: text.to_owned() })
    }
}

/// A quota whose value is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the quota {key} is no number: {value}")]
pub struct QuotaValueError {
    key: &'static str,
    value: String,
}

/// The quotas of one entity, by type; any value is accepted.
pub type QuotaValues = BTreeMap<ClientQuotaType, f64>;

/// The quotas among an entity's configs.
///
/// # Errors
/// The first [`QuotaValueError`].
pub fn quota_values(configs: &BTreeMap<String, String>) -> Result<QuotaValues, QuotaValueError> {
    let of_type = |quota_type: ClientQuotaType| {
        let text = configs.get(quota_type.key())?;
        Some(quota_type.parse(text).map(|value| (quota_type, value)))
    };
    ClientQuotaType::ALL.into_iter().filter_map(of_type).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read_all_or_none() {
        let configs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        };
        let given = [("producer_byte_rate", "-1"), ("request_percentage", " 1e3 "), ("SCRAM-SHA-256", "x")];
        let read = quota_values(&configs(&given)).unwrap();
        assert_eq!(read, [(ClientQuotaType::Produce, -1.0), (ClientQuotaType::Request, 1000.0)].into());
        let broken = [("producer_byte_rate", "1"), ("consumer_byte_rate", "1.5")];
        let error = quota_values(&configs(&broken)).unwrap_err();
        assert_eq!(error.to_string(), "the quota consumer_byte_rate is no number: 1.5");
    }
}
