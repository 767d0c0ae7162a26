//! Values as the bytes of keys and values, and back.
//!
//! - *Entry points:* [`Serializer`] and [`Deserializer`], which an application implements for its own formats; the
//!   serdes of Kafka's clients ([`StringSerde`], [`LongSerde`] …) and [`JsonSerde`].
//! - *Never:* handles null. A key or value that is null is None before a serializer and after a deserializer.
//! - *In Kafka:* `org.apache.kafka.common.serialization`; the bytes are those of Java's classes.

use bytes::Bytes;

use crate::wire::record::Header;

mod error;
mod json;
mod primitives;
mod typed;

pub use error::SerializationError;
pub use json::{Json, JsonSerde};
pub use primitives::{
    BytesSerde, DoubleSerde, FloatSerde, IntegerSerde, LongSerde, ShortSerde, StringSerde, UuidSerde,
    VoidSerde,
};

/// Writes values as bytes.
pub trait Serializer<T: ?Sized>: Send + Sync {
    /// The bytes of a key or a value of a record of this topic; None for null. Headers may be added to the record's.
    ///
    /// # Errors
    /// The value cannot be written.
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        value: &T,
    ) -> Result<Option<Bytes>, SerializationError>;
}

/// Reads values from bytes.
pub trait Deserializer<T>: Send + Sync {
    /// The value of the bytes of a key or a value of a record of this topic, which are not null.
    ///
    /// # Errors
    /// The bytes are not those of a value.
    fn deserialize(&self, topic: &str, headers: &[Header], bytes: &Bytes) -> Result<T, SerializationError>;
}

/// A type of values whose bytes are the same in all of Kafka's clients (`Serdes.serdeFrom`).
pub trait HasSerde: Sized {
    /// How they are written and read.
    #[doc(alias = "Serdes")]
    type Serde: Serializer<Self> + Deserializer<Self> + Default;
}

#[cfg(test)]
mod tests;
