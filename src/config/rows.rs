//! What a row of a config table is, the types a value can have, and the `config!` table itself.
//!
//! Pure. Kafka says each key five times (define, default, documentation, getter, dynamic set); here it is said once.
//! Messages are those of `ConfigDef`.

use std::fmt;

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
    /// A combination that `ConfigException` refuses.
    #[error("{0}")]
    Combination(String),
    /// A combination that Scala's `require` refuses.
    #[error("requirement failed: {0}")]
    Requirement(String),
    /// Something that `IllegalArgumentException` refuses.
    #[error("{0}")]
    Illegal(String),
}

impl ConfigError {
    /// The Java exception that carries this message.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::Missing(_) | Self::Combination(_) => {
                "org.apache.kafka.common.config.ConfigException"
            }
            Self::UnknownTopicConfig(_) => "org.apache.kafka.common.errors.InvalidConfigurationException",
            Self::Requirement(_) | Self::Illegal(_) => "java.lang.IllegalArgumentException",
        }
    }
}

/// The type of a value (`ConfigDef.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
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

impl Type {
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
pub enum Mode {
    /// Only at the next start.
    ReadOnly,
    /// For one broker at a time.
    PerBroker,
    /// For one broker or all of them.
    ClusterWide,
}

/// Whether Barnabas heeds a key yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does, or the value cannot make a difference here.
    Heeded,
    /// It is accepted, checked, shown, and named in one warning at the start.
    NotYet,
}

/// Which values of the right type are allowed (`ConfigDef.Validator`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// All.
    Any,
    /// Numbers from here up.
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

/// What a key is where it is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// It has to be given.
    Required,
    /// Nothing.
    Null,
    /// This.
    Is(&'static str),
}

/// A config key: everything that is known of it, said once.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The key, e.g. `log.retention.ms`.
    pub key: &'static str,
    /// The type of its value.
    pub kind: Type,
    /// What it is where it is not given.
    pub default: Fallback,
    /// Which values it may have.
    pub check: Check,
    /// How much it matters.
    pub importance: Importance,
    /// How it may change in a running broker; topics' keys always may.
    pub mode: Mode,
    /// Of a topic's key, the broker's key that its default comes from.
    pub twin: Option<&'static str>,
    /// Whether it is heeded.
    pub state: State,
    /// What it means, in a sentence.
    pub doc: &'static str,
}

impl Row {
    /// Whether it has to be given.
    pub fn is_required(&self) -> bool {
        self.default == Fallback::Required
    }

    /// Its default as text; None for null and where it has to be given.
    pub fn default_text(&self) -> Option<&'static str> {
        match self.default {
            Fallback::Is(text) => Some(text),
            Fallback::Null | Fallback::Required => None,
        }
    }

    /// The value as it is checked and kept: trimmed, as Kafka trims all but passwords.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with Kafka's reason.
    pub fn read<V: Value>(&self, raw: &str) -> Result<V, ConfigError> {
        let text = if self.kind == Type::Password { raw } else { raw.trim() };
        let invalid =
            |reason| ConfigError::Invalid { key: self.key.to_owned(), value: text.to_owned(), reason };
        let value = V::read(text).map_err(invalid)?;
        let shown = value.show().unwrap_or_default();
        self.check.test(self.key, &shown, self.kind).map_err(|reason| match self.check {
            // Of other lists the element is named that is none; this is the one that is checked as a whole, and Java
            // prints lists in brackets.
            Check::ThrottledReplicas => {
                let value = format!("[{}]", shown.replace(',', ", "));
                ConfigError::Invalid { key: self.key.to_owned(), value, reason }
            }
            Check::ListOf(allowed) => {
                let value = items(&shown).into_iter().find(|item| !allowed.contains(&item.as_str()));
                ConfigError::Invalid { key: self.key.to_owned(), value: value.unwrap_or(shown), reason }
            }
            _ => invalid(reason),
        })?;
        Ok(value)
    }
}

impl Check {
    fn test(self, key: &str, text: &str, kind: Type) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::AtLeast(least) => within(text, kind, least, i64::MAX),
            Self::Between(least, most) => within(text, kind, least, most),
            Self::OneOf(allowed) if allowed.contains(&text) => Ok(()),
            Self::OneOf(allowed) => Err(format!("String must be one of: {}", allowed.join(", "))),
            Self::ListOf(allowed) => {
                match items(text).iter().find(|item| !allowed.contains(&item.as_str())) {
                    Some(_) => Err(format!("String must be one of: {}", allowed.join(", "))),
                    None => Ok(()),
                }
            }
            Self::Version => KafkaVersion::parse(text).map(drop).map_err(|error| error.to_string()),
            Self::ThrottledReplicas if are_throttled_replicas(text) => Ok(()),
            Self::ThrottledReplicas => Err(format!(
                "{key} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            )),
        }
    }
}

fn within(text: &str, kind: Type, least: i64, most: i64) -> Result<(), String> {
    // Doubles keep their fraction; the whole numbers of the other types would lose precision as doubles.
    let (too_small, too_large) = if kind == Type::Double {
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        (value < least as f64, most != i64::MAX && value > most as f64)
    } else {
        let value: i64 = text.parse().unwrap_or(i64::MIN);
        (value < least, value > most)
    };
    match (too_small, too_large) {
        (true, _) => Err(format!("Value must be at least {least}")),
        (_, true) => Err(format!("Value must be no more than {most}")),
        _ => Ok(()),
    }
}

fn are_throttled_replicas(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_pair = |pair: &str| {
        pair.split_once(':').is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
    };
    text.is_empty() || text == "*" || text.split(',').all(|pair| is_pair(pair.trim()))
}

/// The items of a list value: parted by commas, trimmed; none of an empty text.
fn items(text: &str) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split(',').map(|item| item.trim().to_owned()).collect() }
}

/// A type that a config field can have.
pub trait Value: Sized {
    /// Its value from text, or Kafka's reason why not.
    ///
    /// # Errors
    /// That reason, as it stands behind "Invalid value … for configuration …: ".
    fn read(text: &str) -> Result<Self, String>;

    /// Its value as text; None for null.
    fn show(&self) -> Option<String>;
}

macro_rules! whole_number {
    ($type:ty, $name:literal) => {
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| concat!("Not a number of type ", $name).to_owned())
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    };
}
whole_number!(i16, "SHORT");
whole_number!(i32, "INT");
whole_number!(i64, "LONG");

impl Value for f64 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "Not a number of type DOUBLE".to_owned())
    }

    /// As Java prints a double: the largest one in scientific notation.
    fn show(&self) -> Option<String> {
        Some(if *self == f64::MAX { "1.7976931348623157E308".to_owned() } else { format!("{self:?}") })
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("Expected value to be either true or false".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl Value for Vec<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok(items(text))
    }

    fn show(&self) -> Option<String> {
        Some(self.join(","))
    }
}

impl Value for KafkaVersion {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<V: Value> Value for Option<V> {
    fn read(text: &str) -> Result<Self, String> {
        V::read(text).map(Some)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Value::show)
    }
}

/// A secret: it is compared and used, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[hidden]")
    }
}

impl Value for Password {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> Option<String> {
        Some("[hidden]".to_owned())
    }
}

/// A config table: `field: type = "key", default, check, kind, importance, mode, twin, state;` a row, with what it
/// means as the row's doc comment. Yields the struct, its defaults, and access by key.
macro_rules! config {
    (
        $(#[doc = $about:literal])*
        $name:ident;
        $(
            #[doc = $doc:literal]
            $field:ident: $type:ty = $key:literal, $default:expr, $check:expr, $kind:ident, $importance:ident, $mode:ident, $twin:expr, $state:ident;
        )*
    ) => {
        /// Every key, one row each, sorted.
        pub const ROWS: &[$crate::config::rows::Row] = {
            #[allow(unused_imports)]
            use $crate::config::rows::{Check::*, Fallback::*, Importance::*, Mode::*, Row, State::*, Type};
            &[$(Row {
                key: $key,
                kind: Type::$kind,
                default: $default,
                check: $check,
                importance: $importance,
                mode: $mode,
                twin: $twin,
                state: $state,
                doc: $doc.trim_ascii(),
            },)*]
        };

        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(#[doc = $doc] pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                use $crate::config::rows::initial;
                let mut rows = ROWS.iter();
                Self { $($field: initial(rows.next(), $key),)* }
            }
        }

        impl $name {
            /// The row of this key.
            pub fn row(key: &str) -> Option<&'static $crate::config::rows::Row> {
                ROWS.iter().find(|row| row.key == key)
            }

            /// Gives a key a value; false where there is no such key.
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
                use $crate::config::rows::Value;
                match key {
                    $($key => self.$field.show(),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use config;

/// The value a field begins with: its row's default. A required key begins with nothing.
///
/// # Panics
/// Where a row's default is none of its type; a test makes every default once.
pub(crate) fn initial<V: Value + Initial>(row: Option<&Row>, key: &str) -> V {
    match row.and_then(Row::default_text) {
        None => V::null(),
        Some(text) => match V::read(text) {
            Ok(value) => value,
            Err(reason) => panic!("the default of {key}: {reason}"),
        },
    }
}

/// What a field is before it is given a value.
pub(crate) trait Initial {
    /// Null where the type has it, else nothing.
    fn null() -> Self;
}

impl<V> Initial for Option<V> {
    fn null() -> Self {
        None
    }
}

macro_rules! begins_empty {
    ($($type:ty),*) => {
        $(impl Initial for $type {
            fn null() -> Self {
                Self::default()
            }
        })*
    };
}
begins_empty!(i16, i32, i64, f64, bool, String, Vec<String>, KafkaVersion);
