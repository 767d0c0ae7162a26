//! Values of any type with serde's traits, as JSON texts.
//!
//! Pure. Kafka has no such serializer but Connect's, `JsonConverter`, whose texts without a schema are the same.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Deserializer, HasSerde, SerializationError, Serializer};
use crate::wire::record::Header;

/// Writes and reads values of a type as JSON.
pub struct JsonSerde<T>(PhantomData<fn() -> T>);

impl<T> Default for JsonSerde<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> fmt::Debug for JsonSerde<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JsonSerde")
    }
}

impl<T: Serialize> Serializer<T> for JsonSerde<T> {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &T,
    ) -> Result<Option<Bytes>, SerializationError> {
        let text = serde_json::to_vec(value).map_err(|error| SerializationError::Json(Arc::new(error)))?;
        Ok(Some(text.into()))
    }
}

impl<T: DeserializeOwned> Deserializer<T> for JsonSerde<T> {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &Bytes) -> Result<T, SerializationError> {
        serde_json::from_slice(bytes).map_err(|error| SerializationError::Json(Arc::new(error)))
    }
}

/// A value that is written and read as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(out)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Json<T> {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        T::deserialize(input).map(Self)
    }
}

impl<T: Serialize + DeserializeOwned> HasSerde for Json<T> {
    type Serde = JsonSerde<Self>;
}
