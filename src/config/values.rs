//! The types that a config's value can have, from text and to text.
//!
//! Pure. Kafka: `ConfigDef.parseType`, `ConfigDef.convertToString`.

use std::fmt::{self, Debug, UpperExp};

use super::rows::{ConfigRow, ConfigType};
use super::version::{KafkaVersion, UnknownVersion};

/// Why a text is no value of a key; prints what stands behind "Invalid value … for configuration …: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A text that is no number of this type.
    #[error("Not a number of type {}", .0.name())]
    NotANumber(ConfigType),
    /// A text that is neither true nor false.
    #[error("Expected value to be either true or false")]
    NotABoolean,
    /// A version of Kafka that there is not.
    #[error(transparent)]
    UnknownVersion(#[from] UnknownVersion),
    /// A number below the smallest that is allowed.
    #[error("Value must be at least {0}")]
    TooSmall(i64),
    /// A number above the largest that is allowed.
    #[error("Value must be no more than {0}")]
    TooLarge(i64),
    /// A text, or an element of a list, that is none of the allowed ones.
    #[error("String must be one of: {}", .0.join(", "))]
    NotAmong(&'static [&'static str]),
    /// A list of throttled replicas that does not parse.
    #[error(
        "{0} must be the literal '*' or a list of replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],..."
    )]
    NotThrottledReplicas(String),
}

/// The items of a list value: parted by commas, trimmed; none of an empty text.
pub(super) fn items(text: &str) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split(',').map(|item| item.trim().to_owned()).collect() }
}

/// A type that a config field can have.
pub trait ConfigValue: Sized {
    /// The type's name in the protocol.
    const TYPE: ConfigType;

    /// Its value from text.
    ///
    /// # Errors The text is no value of this type.
    fn read(text: &str) -> Result<Self, ValueError>;

    /// Its value as text; None for null.
    fn show(&self) -> Option<String>;
}

macro_rules! whole_number {
    ($type:ty, $kind:ident) => {
        impl ConfigValue for $type {
            const TYPE: ConfigType = ConfigType::$kind;

            fn read(text: &str) -> Result<Self, ValueError> {
                text.parse().map_err(|_| ValueError::NotANumber(ConfigType::$kind))
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    };
}
whole_number!(i16, Short);
whole_number!(i32, Int);
whole_number!(i64, Long);

/// A double as Java prints it (`Double.toString`).
pub fn java_double(value: f64) -> String {
    java_floating(value, &value)
}

/// A floating point number of 32 bits as Java prints it (`Float.toString`).
pub fn java_float(value: f32) -> String {
    java_floating(value.into(), &value)
}

/// As Java prints a number of this value, which is written with the digits of its type.
fn java_floating(value: f64, digits: &(impl Debug + UpperExp)) -> String {
    let size = value.abs();
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value.is_nan() || size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{digits:?}");
    }
    let scientific = format!("{digits:E}");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

impl ConfigValue for f64 {
    const TYPE: ConfigType = ConfigType::Double;

    fn read(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|_| ValueError::NotANumber(ConfigType::Double))
    }

    fn show(&self) -> Option<String> {
        Some(java_double(*self))
    }
}

impl ConfigValue for bool {
    const TYPE: ConfigType = ConfigType::Boolean;

    fn read(text: &str) -> Result<Self, ValueError> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ValueError::NotABoolean),
        }
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl ConfigValue for String {
    const TYPE: ConfigType = ConfigType::String;

    fn read(text: &str) -> Result<Self, ValueError> {
        Ok(text.to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl ConfigValue for Vec<String> {
    const TYPE: ConfigType = ConfigType::List;

    fn read(text: &str) -> Result<Self, ValueError> {
        Ok(items(text))
    }

    fn show(&self) -> Option<String> {
        Some(self.join(","))
    }
}

impl ConfigValue for KafkaVersion {
    const TYPE: ConfigType = ConfigType::String;

    fn read(text: &str) -> Result<Self, ValueError> {
        Ok(Self::parse(text)?)
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<V: ConfigValue> ConfigValue for Option<V> {
    const TYPE: ConfigType = V::TYPE;

    fn read(text: &str) -> Result<Self, ValueError> {
        V::read(text).map(Some)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(ConfigValue::show)
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

impl ConfigValue for Password {
    const TYPE: ConfigType = ConfigType::Password;

    fn read(text: &str) -> Result<Self, ValueError> {
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> Option<String> {
        Some("[hidden]".to_owned())
    }
}

/// The value a field begins with: its row's default. A required key begins with an empty value.
///
/// # Panics Where a row's default is not of its type; a test makes every default once.
pub(crate) fn initial<V: ConfigValue + Initial>(row: Option<&ConfigRow>, key: &str) -> V {
    match row.and_then(ConfigRow::default_text) {
        None => V::null(),
        Some(text) => match V::read(text) {
            Ok(value) => value,
            Err(reason) => panic!("the default of {key}: {reason}"),
        },
    }
}

/// The value of a field before it is set.
pub(crate) trait Initial {
    /// Null where the type has it, else an empty value.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_printed_as_java_does() {
        let printed = |value, text| assert_eq!(java_double(value), text);
        printed(200.0, "200.0");
        printed(0.001, "0.001");
        printed(0.0, "0.0");
        printed(-12.5, "-12.5");
        printed(9_999_999.0, "9999999.0");
        printed(1e7, "1.0E7");
        printed(123_456_789.5, "1.234567895E8");
        printed(0.00012, "1.2E-4");
        printed(f64::MAX, "1.7976931348623157E308");
        printed(f64::NAN, "NaN");
        printed(f64::NEG_INFINITY, "-Infinity");
    }
}
