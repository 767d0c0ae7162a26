//! Why a value cannot be written as bytes, or bytes cannot be read as a value.
//!
//! Pure. Texts are those of Kafka's serializers where they have one. Kafka: `SerializationException`.

use std::error::Error;
use std::sync::Arc;

/// Why a value cannot be written or read.
#[derive(Clone, Debug, thiserror::Error)]
#[doc(alias = "SerializationException")]
pub enum SerializationError {
    /// A number has another size.
    #[error("Size of data received by {deserializer} is not {expected}")]
    WrongSize {
        /// Kafka's name of the deserializer.
        deserializer: &'static str,
        /// Bytes that the number has.
        expected: usize,
    },
    /// A text is not UTF-8.
    #[error("Error when deserializing byte[] to string: {0}")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// A text is no UUID.
    #[error("Error parsing data into UUID: {0}")]
    NotUuid(#[from] uuid::Error),
    /// There is a value where only null can be.
    #[error("Data should be null for a VoidDeserializer.")]
    NotNull,
    /// A value cannot be written as JSON, or a text is not JSON of the type.
    #[error("{0}")]
    Json(#[source] Arc<serde_json::Error>),
    /// A serializer of the application's own has failed.
    #[error("{0}")]
    Own(#[source] Arc<dyn Error + Send + Sync>),
}

impl SerializationError {
    /// The failure of a serializer of the application's own.
    pub fn own(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Own(Arc::from(error.into()))
    }
}
