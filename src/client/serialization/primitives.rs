//! Bytes, texts, numbers and UUIDs, in the bytes of Java's serializers.
//!
//! Pure. Numbers are big-endian. Kafka: `BytesSerializer`, `StringSerializer`, `ShortSerializer`,
//! `IntegerSerializer`, `LongSerializer`, `FloatSerializer`, `DoubleSerializer`, `UUIDSerializer`, `VoidSerializer`
//! and their deserializers.

use bytes::Bytes;
use uuid::Uuid;

use super::{Deserializer, HasSerde, SerializationError, Serializer};
use crate::wire::record::Header;

type Serialized = Result<Option<Bytes>, SerializationError>;

/// Bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "ByteArraySerializer")]
#[doc(alias = "BytesSerializer")]
pub struct BytesSerde;

impl Serializer<[u8]> for BytesSerde {
    fn serialize(&self, _: &str, _: &mut Vec<Header>, value: &[u8]) -> Serialized {
        Ok(Some(Bytes::copy_from_slice(value)))
    }
}

impl Serializer<Bytes> for BytesSerde {
    fn serialize(&self, _: &str, _: &mut Vec<Header>, value: &Bytes) -> Serialized {
        Ok(Some(value.clone()))
    }
}

impl Serializer<Vec<u8>> for BytesSerde {
    fn serialize(&self, topic: &str, headers: &mut Vec<Header>, value: &Vec<u8>) -> Serialized {
        Serializer::<[u8]>::serialize(self, topic, headers, value)
    }
}

impl Deserializer<Bytes> for BytesSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &Bytes) -> Result<Bytes, SerializationError> {
        Ok(bytes.clone())
    }
}

impl Deserializer<Vec<u8>> for BytesSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &Bytes) -> Result<Vec<u8>, SerializationError> {
        Ok(bytes.to_vec())
    }
}

impl HasSerde for Bytes {
    type Serde = BytesSerde;
}

impl HasSerde for Vec<u8> {
    type Serde = BytesSerde;
}

/// Texts in UTF-8. Bytes that are not UTF-8 are an error, where Java's deserializer replaces them.
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "StringSerializer")]
pub struct StringSerde;

impl Serializer<str> for StringSerde {
    fn serialize(&self, _: &str, _: &mut Vec<Header>, value: &str) -> Serialized {
        Ok(Some(Bytes::copy_from_slice(value.as_bytes())))
    }
}

impl Serializer<String> for StringSerde {
    fn serialize(&self, topic: &str, headers: &mut Vec<Header>, value: &String) -> Serialized {
        Serializer::<str>::serialize(self, topic, headers, value)
    }
}

impl Deserializer<String> for StringSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &Bytes) -> Result<String, SerializationError> {
        Ok(std::str::from_utf8(bytes)?.to_owned())
    }
}

impl HasSerde for String {
    type Serde = StringSerde;
}

/// A number's serde: its name, its type, and Kafka's names.
macro_rules! number {
    ($(#[$doc:meta])* $serde:ident, $number:ty, $serializer:literal, $deserializer:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        #[doc(alias = $serializer)]
        pub struct $serde;

        impl Serializer<$number> for $serde {
            fn serialize(&self, _: &str, _: &mut Vec<Header>, value: &$number) -> Serialized {
                Ok(Some(Bytes::copy_from_slice(&value.to_be_bytes())))
            }
        }

        impl Deserializer<$number> for $serde {
            fn deserialize(&self, _: &str, _: &[Header], bytes: &Bytes) -> Result<$number, SerializationError> {
                let expected = size_of::<$number>();
                let wrong = |_| SerializationError::WrongSize { deserializer: $deserializer, expected };
                Ok(<$number>::from_be_bytes(bytes[..].try_into().map_err(wrong)?))
            }
        }

        impl HasSerde for $number {
            type Serde = $serde;
        }
    };
}

number!(
    /// Integers of 16 bits.
    ShortSerde, i16, "ShortSerializer", "ShortDeserializer"
);
number!(
    /// Integers of 32 bits.
    IntegerSerde, i32, "IntegerSerializer", "IntegerDeserializer"
);
number!(
    /// Integers of 64 bits.
    LongSerde, i64, "LongSerializer", "LongDeserializer"
);
number!(
    /// Floating point numbers of 32 bits.
    FloatSerde, f32, "FloatSerializer", "Deserializer"
);
number!(
    /// Floating point numbers of 64 bits.
    DoubleSerde, f64, "DoubleSerializer", "Deserializer"
);

/// UUIDs as texts, such as `123e4567-e89b-12d3-a456-426614174000`.
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "UUIDSerializer")]
pub struct UuidSerde;

impl Serializer<Uuid> for UuidSerde {
    fn serialize(&self, _: &str, _: &mut Vec<Header>, value: &Uuid) -> Serialized {
        Ok(Some(value.hyphenated().to_string().into()))
    }
}

impl Deserializer<Uuid> for UuidSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &Bytes) -> Result<Uuid, SerializationError> {
        Ok(Uuid::parse_str(std::str::from_utf8(bytes)?)?)
    }
}

impl HasSerde for Uuid {
    type Serde = UuidSerde;
}

/// Always null: the key or the value is not used.
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "VoidSerializer")]
pub struct VoidSerde;

impl Serializer<()> for VoidSerde {
    fn serialize(&self, _: &str, _: &mut Vec<Header>, (): &()) -> Serialized {
        Ok(None)
    }
}

impl Deserializer<()> for VoidSerde {
    fn deserialize(&self, _: &str, _: &[Header], _: &Bytes) -> Result<(), SerializationError> {
        Err(SerializationError::NotNull)
    }
}

impl HasSerde for () {
    type Serde = VoidSerde;
}
