//! What a row of a config table is, the types a value can have, and the `config!` table itself.
//!
//! Pure. Kafka writes each key down five times (define, default, documentation, getter, dynamic set); here it
//! stands once. Messages are those of `ConfigDef`.

use super::values::{ConfigValue, ValueError, items};
use super::version::KafkaVersion;

/// A value that a key cannot have; prints as Kafka's `ConfigException` does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The value does not parse or is out of range.
    #[error("Invalid value {value} for configuration {key}: {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key without a default was not given.
    #[error("Missing required configuration \"{0}\" which has no default value.")]
    Missing(String),
    /// A topic config of a name that does not exist.
    #[error("Unknown topic config name: {0}")]
    UnknownTopicConfig(String),
    /// Two configs of a topic that contradict each other.
    #[error("{0}")]
    Conflict(String),
    /// A combination that `ConfigException` refuses.
    #[error("{0}")]
    Combination(String),
    /// A combination that Scala's `require` refuses.
    #[error("requirement failed: {0}")]
    Requirement(String),
    /// Something that `IllegalArgumentException` refuses.
    #[error("{0}")]
    Illegal(String),
    /// Something that this machine or this broker cannot provide, such as a port that is taken.
    #[error("{0}")]
    Unavailable(String),
}

impl ConfigError {
    /// The Java exception that carries this message.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::Missing(_) | Self::Combination(_) => {
                "org.apache.kafka.common.config.ConfigException"
            }
            Self::Unavailable(_) => "org.apache.kafka.common.KafkaException",
            Self::UnknownTopicConfig(_) | Self::Conflict(_) => {
                "org.apache.kafka.common.errors.InvalidConfigurationException"
            }
            Self::Requirement(_) | Self::Illegal(_) => "java.lang.IllegalArgumentException",
        }
    }
}

/// The type of a value.
#[doc(alias = "ConfigDef.Type")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// true or false.
    Boolean,
    /// Text.
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    /// A floating point number.
    Double,
    /// Texts parted by commas.
    List,
    /// The name of a Java class.
    Class,
    /// Text that is never shown.
    Password,
}

impl ConfigType {
    /// Its number in DescribeConfigs v3 (`DescribeConfigsResponse.ConfigType`).
    pub fn id(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }

    /// The type of this number; None for one that does not exist.
    pub fn from_id(id: i8) -> Option<Self> {
        use ConfigType::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
        let all = [Boolean, String, Int, Short, Long, Double, List, Class, Password];
        all.into_iter().find(|it| it.id() == id)
    }

    /// Its name as in Kafka's messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How much a key matters (`ConfigDef.Importance`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// To be looked at first.
    High,
    /// To be looked at when tuning.
    Medium,
    /// To be left alone.
    Low,
}

/// Whether a running broker takes a new value (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Only at the next start.
    ReadOnly,
    /// For one broker at a time.
    PerBroker,
    /// For one broker or all of them.
    ClusterWide,
}

/// Whether Barnabas applies a key. A test compares it with the settings that the sources read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It is applied.
    Supported,
    /// It is accepted and shown; no value of it can make a difference here.
    Irrelevant,
    /// It is accepted, checked, shown, and named in one warning at the start.
    NotYet,
}

/// Which values of the right type are allowed.
#[doc(alias = "ConfigDef.Validator")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Validator {
    /// All values.
    Any,
    /// Numbers from this one up.
    AtLeast(i64),
    /// Numbers between these two, both included.
    Between(i64, i64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list of these texts.
    ListOf(&'static [&'static str]),
    /// A Kafka version.
    Version,
    /// `*`, or a list of partition:broker pairs.
    ThrottledReplicas,
}

/// The value of a key that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The key is required.
    Required,
    /// No value.
    Null,
    /// This value.
    Is(&'static str),
}

/// A config key: everything that is known of it.
#[doc(alias = "ConfigKey")]
#[derive(Clone, Copy, Debug)]
pub struct ConfigRow {
    /// The key, e.g. `log.retention.ms`.
    pub key: &'static str,
    /// The type of its value.
    pub kind: ConfigType,
    /// Its value if it is not set.
    pub fallback: Fallback,
    /// Which values it may have.
    pub check: Validator,
    /// How much it matters.
    pub importance: Importance,
    /// How it may change in a running broker; topics' keys always may.
    pub update_mode: UpdateMode,
    /// Of a topic's key, the broker's key that its default comes from.
    pub broker_key: Option<&'static str>,
    /// Whether it is applied.
    pub support: Support,
    /// What it means, in a sentence.
    pub doc: &'static str,
}

/// The columns of a row, one method each; a column that a row does not name is as in [`ConfigRow::new`].
impl ConfigRow {
    /// A key of this type: null if it is not set, any value, read-only, supported.
    pub(crate) const fn new(key: &'static str, kind: ConfigType, doc: &'static str) -> Self {
        Self {
            key,
            kind,
            fallback: Fallback::Null,
            check: Validator::Any,
            importance: Importance::Medium,
            update_mode: UpdateMode::ReadOnly,
            broker_key: None,
            support: Support::Supported,
            doc,
        }
    }

    /// Where the field's type does not show it: a class is a text.
    pub(crate) const fn kind(self, kind: ConfigType) -> Self {
        Self { kind, ..self }
    }

    /// The value if it is not set.
    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { fallback: Fallback::Is(text), ..self }
    }

    /// Makes the key required.
    pub(crate) const fn required(self, required: bool) -> Self {
        let fallback = if required { Fallback::Required } else { self.fallback };
        Self { fallback, ..self }
    }

    /// The least that a number may be.
    pub(crate) const fn at_least(self, least: i64) -> Self {
        self.check(Validator::AtLeast(least))
    }

    /// The least and the most that a number may be.
    pub(crate) const fn between(self, [least, most]: [i64; 2]) -> Self {
        self.check(Validator::Between(least, most))
    }

    /// The texts that it may be.
    pub(crate) const fn one_of(self, texts: &'static [&'static str]) -> Self {
        self.check(Validator::OneOf(texts))
    }

    /// The texts that its items may be.
    pub(crate) const fn list_of(self, texts: &'static [&'static str]) -> Self {
        self.check(Validator::ListOf(texts))
    }

    /// Any other check of its value.
    pub(crate) const fn check(self, check: Validator) -> Self {
        Self { check, ..self }
    }

    /// How much it matters.
    pub(crate) const fn importance(self, importance: Importance) -> Self {
        Self { importance, ..self }
    }

    /// How a running broker accepts a new value.
    pub(crate) const fn dynamic(self, update_mode: UpdateMode) -> Self {
        Self { update_mode, ..self }
    }

    /// The broker's key that a topic's default comes from; every topic's key may change.
    pub(crate) const fn broker_key(self, key: &'static str) -> Self {
        Self { broker_key: Some(key), update_mode: UpdateMode::ClusterWide, ..self }
    }

    /// Whether it is applied.
    pub(crate) const fn support(self, support: Support) -> Self {
        Self { support, ..self }
    }
}

impl ConfigRow {
    /// Whether it is required.
    pub fn is_required(&self) -> bool {
        self.fallback == Fallback::Required
    }

    /// Its default as text; None for null and for a required key.
    pub fn default_text(&self) -> Option<&'static str> {
        match self.fallback {
            Fallback::Is(text) => Some(text),
            Fallback::Null | Fallback::Required => None,
        }
    }

    /// The value as it is checked and kept: trimmed, as Kafka trims all but passwords.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with Kafka's reason.
    pub fn read<V: ConfigValue>(&self, raw: &str) -> Result<V, ConfigError> {
        let text = if self.kind == ConfigType::Password { raw } else { raw.trim() };
        let invalid = |reason: ValueError| self.invalid(text.to_owned(), &reason);
        let value = V::read(text).map_err(invalid)?;
        let shown = value.show().unwrap_or_default();
        self.check.test(self.key, &shown, self.kind).map_err(|reason| match reason {
            // For other lists the error names the wrong element. This list is checked as a whole, and Java
            // prints lists in brackets.
            ValueError::NotThrottledReplicas(_) => {
                self.invalid(format!("[{}]", shown.replace(',', ", ")), &reason)
            }
            ValueError::NotAmong(allowed) if self.kind == ConfigType::List => {
                let value = items(&shown).into_iter().find(|item| !allowed.contains(&item.as_str()));
                self.invalid(value.unwrap_or(shown), &reason)
            }
            // A number that was read, as Java prints it: `2` as a double is `2.0`.
            ValueError::TooSmall(_) | ValueError::TooLarge(_) => self.invalid(shown, &reason),
            _ => invalid(reason),
        })?;
        Ok(value)
    }

    fn invalid(&self, value: String, reason: &ValueError) -> ConfigError {
        ConfigError::Invalid { key: self.key.to_owned(), value, reason: reason.to_string() }
    }
}

impl Validator {
    fn test(self, key: &str, text: &str, kind: ConfigType) -> Result<(), ValueError> {
        match self {
            Self::Any => Ok(()),
            Self::AtLeast(least) => within(text, kind, least, i64::MAX),
            Self::Between(least, most) => within(text, kind, least, most),
            Self::OneOf(allowed) if allowed.contains(&text) => Ok(()),
            Self::OneOf(allowed) => Err(ValueError::NotAmong(allowed)),
            Self::ListOf(allowed) => {
                match items(text).iter().find(|item| !allowed.contains(&item.as_str())) {
                    Some(_) => Err(ValueError::NotAmong(allowed)),
                    None => Ok(()),
                }
            }
            Self::Version => Ok(KafkaVersion::parse(text).map(drop)?),
            Self::ThrottledReplicas if are_throttled_replicas(text) => Ok(()),
            Self::ThrottledReplicas => Err(ValueError::NotThrottledReplicas(key.to_owned())),
        }
    }
}

fn within(text: &str, kind: ConfigType, least: i64, most: i64) -> Result<(), ValueError> {
    // Doubles keep their fraction; the whole numbers of the other types would lose precision as doubles.
    let (too_small, too_large) = if kind == ConfigType::Double {
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        (value < least as f64, most != i64::MAX && value > most as f64)
    } else {
        let value: i64 = text.parse().unwrap_or(i64::MIN);
        (value < least, value > most)
    };
    match (too_small, too_large) {
        (true, _) => Err(ValueError::TooSmall(least)),
        (_, true) => Err(ValueError::TooLarge(most)),
        _ => Ok(()),
    }
}

fn are_throttled_replicas(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_pair = |pair: &str| {
        pair.split_once(':').is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
    };
    text == "*" || text.split(',').all(|pair| pair.trim().is_empty() || is_pair(pair.trim()))
}

/// A config table, a row for each key: `field: type = "key", column: value, …;` with its meaning as the row's
/// doc comment. The columns are the methods of [`ConfigRow`]. Yields the struct, its defaults, and access by
/// key.
macro_rules! config {
    (
        $(#[doc = $about:literal])*
        $name:ident;
        $(
            #[doc = $doc:literal]
            $field:ident: $type:ty = $key:literal, $($word:ident: $value:expr),+;
        )*
    ) => {
        /// Every key, one row each, sorted.
        pub const ROWS: &[$crate::config::rows::ConfigRow] = {
            #[allow(unused_imports)]
            use $crate::config::rows::{
                ConfigRow, ConfigType::Class, Importance::*, Support::*, UpdateMode::*, Validator::*,
            };
            use $crate::config::values::ConfigValue;
            &[$(
                ConfigRow::new($key, <$type as ConfigValue>::TYPE, $doc.trim_ascii())$(.$word($value))+
            ),*]
        };

        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(#[doc = $doc] pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                use $crate::config::values::initial;
                let mut rows = ROWS.iter();
                Self { $($field: initial(rows.next(), $key),)* }
            }
        }

        impl $name {
            /// The row of this key.
            pub fn row(key: &str) -> Option<&'static $crate::config::rows::ConfigRow> {
                ROWS.iter().find(|row| row.key == key)
            }

            /// Sets the value of a key; false where there is no such key.
            ///
            /// # Errors
            /// [`ConfigError::Invalid`](crate::config::ConfigError::Invalid) where the key cannot have this value.
            pub fn set(&mut self, key: &str, raw: &str) -> Result<bool, $crate::config::ConfigError> {
                let Some(row) = Self::row(key) else { return Ok(false) };
                match key {
                    $($key => self.$field = row.read(raw)?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// The value of a key as text; None where it is null, hidden text where it is a password.
            pub fn get(&self, key: &str) -> Option<String> {
                use $crate::config::values::ConfigValue;
                match key {
                    $($key => self.$field.show(),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use config;
