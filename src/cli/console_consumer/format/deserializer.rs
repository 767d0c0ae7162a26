//! Bytes as texts, by the names of Kafka's classes of deserializers.
//!
//! Pure. Kafka: the classes of `org.apache.kafka.common.serialization`, and the `toString` of what they return.

use std::borrow::Cow;
use std::fmt::Write;

use super::{FormatError, UnknownClass};
use crate::config::Properties;
use crate::config::values::{java_double, java_float};

/// The part of a record that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordPart {
    /// Its key.
    Key,
    /// Its value.
    Value,
    /// The values of its headers.
    Headers,
}

impl RecordPart {
    /// The property that names its deserializer.
    fn property(self) -> &'static str {
        match self {
            Self::Key => "key.deserializer",
            Self::Value => "value.deserializer",
            Self::Headers => "headers.deserializer",
        }
    }
}

/// How bytes are read and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecordDeserializer {
    /// As they are. Java prints the name of an array instead where a deserializer of bytes is named.
    None,
    /// As a text in an encoding.
    Text(TextEncoding),
    /// As a UUID in such a text.
    Uuid(TextEncoding),
    /// As a number of 16 bits.
    Short,
    /// As a number of 32 bits.
    Integer,
    /// As a number of 64 bits.
    Long,
    /// As a floating point number of 32 bits.
    Float,
    /// As a floating point number of 64 bits.
    Double,
    /// Printable ASCII as it is, other bytes as hexadecimal numbers.
    Escaped,
    /// As the size of a buffer.
    Buffer,
    /// Not at all.
    Void,
}

/// The encoding of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextEncoding {
    /// UTF-8.
    Utf8,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-16 with a byte order mark; big-endian without one.
    Utf16,
    /// UTF-16, the higher byte first.
    Utf16Be,
    /// UTF-16, the lower byte first.
    Utf16Le,
    /// One of this name, which is not supported.
    Unsupported(String),
}

impl RecordDeserializer {
    /// The deserializer of a part that these properties name.
    ///
    /// # Errors
    /// There is none of this class.
    pub(super) fn of(part: RecordPart, properties: &Properties) -> Result<Self, UnknownClass> {
        let Some(class) = properties.get(part.property()) else { return Ok(Self::None) };
        let encoding = || TextEncoding::of(part, properties);
        match class.strip_prefix("org.apache.kafka.common.serialization.") {
            Some("ByteArrayDeserializer") => Ok(Self::None),
            Some("StringDeserializer") => Ok(Self::Text(encoding())),
            Some("UUIDDeserializer") => Ok(Self::Uuid(encoding())),
            Some("ShortDeserializer") => Ok(Self::Short),
            Some("IntegerDeserializer") => Ok(Self::Integer),
            Some("LongDeserializer") => Ok(Self::Long),
            Some("FloatDeserializer") => Ok(Self::Float),
            Some("DoubleDeserializer") => Ok(Self::Double),
            Some("BytesDeserializer") => Ok(Self::Escaped),
            Some("ByteBufferDeserializer") => Ok(Self::Buffer),
            Some("VoidDeserializer") => Ok(Self::Void),
            _ => Err(UnknownClass(class.to_owned())),
        }
    }

    /// The bytes as text.
    ///
    /// # Errors
    /// They are none of this type; Java's exception.
    pub(super) fn text<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, FormatError> {
        let text = match self {
            Self::None => return Ok(Cow::Borrowed(bytes)),
            Self::Text(TextEncoding::Utf8) => {
                return Ok(match String::from_utf8_lossy(bytes) {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                });
            }
            Self::Text(encoding) => encoding.decode(bytes, "string")?.into_owned(),
            Self::Uuid(encoding) => {
                let text = encoding.decode(bytes, "UUID")?;
                let uuid = uuid::Uuid::try_parse(&text).ok().filter(|_| text.contains('-'));
                uuid.ok_or_else(|| unreadable("Error parsing data into UUID"))?.hyphenated().to_string()
            }
            Self::Short => i16::from_be_bytes(sized(bytes, "ShortDeserializer")?).to_string(),
            Self::Integer => i32::from_be_bytes(sized(bytes, "IntegerDeserializer")?).to_string(),
            Self::Long => i64::from_be_bytes(sized(bytes, "LongDeserializer")?).to_string(),
            Self::Float => java_float(f32::from_be_bytes(sized(bytes, "Deserializer")?)),
            Self::Double => java_double(f64::from_be_bytes(sized(bytes, "Deserializer")?)),
            Self::Escaped => escaped(bytes),
            Self::Buffer => format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len()),
            Self::Void => {
                return Err(FormatError::Record {
                    class: "java.lang.IllegalArgumentException",
                    message: "Data should be null for a VoidDeserializer.".to_owned(),
                });
            }
        };
        Ok(Cow::Owned(text.into_bytes()))
    }
}

impl TextEncoding {
    /// The encoding of a part: its own property goes before the one for all parts. The properties of a deserializer
    /// have the name of the deserializer's own property in front.
    fn of(part: RecordPart, properties: &Properties) -> Self {
        let of_part = if part == RecordPart::Key { "key" } else { "value" };
        let own = format!("{}.{of_part}.deserializer.encoding", part.property());
        let common = format!("{}.deserializer.encoding", part.property());
        let Some(name) = properties.get(&own).or_else(|| properties.get(&common)) else { return Self::Utf8 };
        match name.to_ascii_uppercase().as_str() {
            "UTF8" | "UTF-8" => Self::Utf8,
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Self::Latin1,
            "US-ASCII" | "ASCII" => Self::Ascii,
            "UTF-16" | "UTF16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            _ => Self::Unsupported(name.to_owned()),
        }
    }

    /// The text of bytes; `kind` is what is made of it.
    ///
    /// # Errors
    /// The encoding is not supported.
    fn decode<'a>(&self, bytes: &'a [u8], kind: &str) -> Result<Cow<'a, str>, FormatError> {
        let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let mut text =
                String::from_utf16_lossy(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
            text.extend((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER));
            text
        };
        Ok(match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Ascii => {
                let character = |byte: &u8| match byte.is_ascii() {
                    true => char::from(*byte),
                    false => char::REPLACEMENT_CHARACTER,
                };
                bytes.iter().map(character).collect()
            }
            Self::Utf16 => match bytes {
                [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes).into(),
                [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes).into(),
                _ => utf16(bytes, u16::from_be_bytes).into(),
            },
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes).into(),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes).into(),
            Self::Unsupported(name) => {
                return Err(unreadable(format!(
                    "Error when deserializing byte[] to {kind} due to unsupported encoding {name}"
                )));
            }
        })
    }
}

fn sized<const SIZE: usize>(bytes: &[u8], deserializer: &str) -> Result<[u8; SIZE], FormatError> {
    let wrong = |_| unreadable(format!("Size of data received by {deserializer} is not {SIZE}"));
    bytes.try_into().map_err(wrong)
}

fn unreadable(message: impl Into<String>) -> FormatError {
    let class = "org.apache.kafka.common.errors.SerializationException";
    FormatError::Record { class, message: message.into() }
}

/// Kafka: `Bytes.toString`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b' '..=b'~' if *byte != b'\\' => text.push(char::from(*byte)),
            // A text takes all that is written to it.
            _ => _ = write!(text, "\\x{byte:02X}"),
        }
    }
    text
}
