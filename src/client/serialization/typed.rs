//! Records with keys and values of types: written and read by their serdes.
//!
//! Pure. Producers and consumers carry bytes and have no type parameters; types come in where a record is made or
//! looked at. Kafka: the type parameters of `ProducerRecord` and `ConsumerRecord`.

use super::{Deserializer, HasSerde, SerializationError, Serializer};
use crate::client::consumer::ConsumerRecord;
use crate::client::producer::ProducerRecord;

impl ProducerRecord {
    /// Sets the key to the bytes of a value, by the serde of its type.
    ///
    /// # Errors
    /// The value cannot be written.
    pub fn typed_key<T: HasSerde>(self, key: &T) -> Result<Self, SerializationError> {
        self.key_by(&T::Serde::default(), key)
    }

    /// Sets the key to the bytes of a value, by this serializer, which may add headers.
    ///
    /// # Errors
    /// The value cannot be written.
    pub fn key_by<T: ?Sized>(
        mut self,
        serializer: &impl Serializer<T>,
        key: &T,
    ) -> Result<Self, SerializationError> {
        self.key = serializer.serialize(&self.topic, &mut self.headers, key)?;
        Ok(self)
    }

    /// Sets the value to the bytes of a value, by the serde of its type.
    ///
    /// # Errors
    /// The value cannot be written.
    pub fn typed_value<T: HasSerde>(self, value: &T) -> Result<Self, SerializationError> {
        self.value_by(&T::Serde::default(), value)
    }

    /// Sets the value to the bytes of a value, by this serializer, which may add headers.
    ///
    /// # Errors
    /// The value cannot be written.
    pub fn value_by<T: ?Sized>(
        mut self,
        serializer: &impl Serializer<T>,
        value: &T,
    ) -> Result<Self, SerializationError> {
        self.value = serializer.serialize(&self.topic, &mut self.headers, value)?;
        Ok(self)
    }
}

impl ConsumerRecord {
    /// The key as a value of a type, by the type's own serde; None for null.
    ///
    /// # Errors
    /// The bytes are not those of a value.
    pub fn key_as<T: HasSerde>(&self) -> Result<Option<T>, SerializationError> {
        self.key_with(&T::Serde::default())
    }

    /// The key as this deserializer reads it; None for null.
    ///
    /// # Errors
    /// The bytes are not those of a value.
    pub fn key_with<T>(&self, deserializer: &impl Deserializer<T>) -> Result<Option<T>, SerializationError> {
        let read = |bytes| deserializer.deserialize(&self.partition.topic, &self.headers, bytes);
        self.key.as_ref().map(read).transpose()
    }

    /// The value as a value of a type, by the type's own serde; None for null.
    ///
    /// # Errors
    /// The bytes are not those of a value.
    pub fn value_as<T: HasSerde>(&self) -> Result<Option<T>, SerializationError> {
        self.value_with(&T::Serde::default())
    }

    /// The value as this deserializer reads it; None for null.
    ///
    /// # Errors
    /// The bytes are not those of a value.
    pub fn value_with<T>(
        &self,
        deserializer: &impl Deserializer<T>,
    ) -> Result<Option<T>, SerializationError> {
        let read = |bytes| deserializer.deserialize(&self.partition.topic, &self.headers, bytes);
        self.value.as_ref().map(read).transpose()
    }
}
