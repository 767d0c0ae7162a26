//! JSON files that a tool is given, read as Kafka's tools read them, with the same complaints.
//!
//! Kafka: `Json`, `JsonValue`, `DecodeJson`, Jackson's `ObjectMapper.readTree`.

use serde_json::{Deserializer, Map, Value};

use super::java::FileException;
use super::throwable::JavaThrowable;

/// Why a text is not the JSON that a tool needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JsonFault {
    /// It is no JSON.
    NotJson,
    /// It is other JSON; the text is Kafka's.
    Mapping(String),
}

impl JsonFault {
    /// The exception that Kafka's tool throws; `not_json` is that of a text that is no JSON.
    pub fn thrown(self, not_json: &str) -> JavaThrowable {
        match self {
            Self::NotJson => JavaThrowable::operation(not_json),
            Self::Mapping(text) => {
                JavaThrowable::new("com.fasterxml.jackson.databind.JsonMappingException", text)
            }
        }
    }
}

/// The text of a file (`Utils.readFileAsString`).
///
/// # Errors
/// Java's exception for a file that cannot be read.
pub(super) fn read(path: &str) -> Result<String, JavaThrowable> {
    let bytes = std::fs::read(path).map_err(|error| {
        let cause = FileException::of(path, &error);
        JavaThrowable::new("java.io.IOException", format!("Unable to read file {path}")).caused_by(cause)
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The JSON object that a text begins with.
///
/// # Errors
/// The text begins with no JSON, or with other JSON than an object.
pub(super) fn object_of(text: &str) -> Result<Map<String, Value>, JsonFault> {
    match Deserializer::from_str(text).into_iter::<Value>().next() {
        Some(Ok(Value::Object(object))) => Ok(object),
        Some(Ok(other)) => Err(unlike("JSON object", &other)),
        Some(Err(_)) => Err(JsonFault::NotJson),
        None => Err(JsonFault::Mapping("Expected JSON object, received ".to_owned())),
    }
}

/// A field that an object must have.
///
/// # Errors
/// It has none of this name.
pub(super) fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, JsonFault> {
    object.get(name).ok_or_else(|| JsonFault::Mapping(format!("No such field exists: `{name}`")))
}

/// A value that must be an object.
///
/// # Errors
/// It is something else.
pub(super) fn object(value: &Value) -> Result<&Map<String, Value>, JsonFault> {
    value.as_object().ok_or_else(|| unlike("JSON object", value))
}

/// A value that must be a list.
///
/// # Errors
/// It is something else.
pub(super) fn list(value: &Value) -> Result<&[Value], JsonFault> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| unlike("JSON array", value))
}

/// A value that must be an integer of 32 bits.
///
/// # Errors
/// It is something else.
pub(super) fn int(value: &Value) -> Result<i32, JsonFault> {
    value.as_i64().and_then(|it| i32::try_from(it).ok()).ok_or_else(|| unlike("`Int` value", value))
}

/// A value that must be an integer of 64 bits.
///
/// # Errors
/// It is something else.
pub(super) fn long(value: &Value) -> Result<i64, JsonFault> {
    value.as_i64().ok_or_else(|| unlike("`Long` value", value))
}

/// A value that must be a text.
///
/// # Errors
/// It is something else.
pub(super) fn text(value: &Value) -> Result<&str, JsonFault> {
    value.as_str().ok_or_else(|| unlike("`String` value", value))
}

fn unlike(expected: &str, found: &Value) -> JsonFault {
    JsonFault::Mapping(format!("Expected {expected}, received {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint<T: std::fmt::Debug>(found: Result<T, JsonFault>) -> String {
        match found.unwrap_err() {
            JsonFault::NotJson => "not JSON".to_owned(),
            JsonFault::Mapping(text) => text,
        }
    }

    #[test]
    fn the_first_value_of_a_text_counts() {
        assert_eq!(object_of(r#"{"a":1} and more"#).unwrap()["a"], 1);
        assert_eq!(complaint(object_of("")), "Expected JSON object, received ");
        assert_eq!(complaint(object_of(" \n")), "Expected JSON object, received ");
        assert_eq!(complaint(object_of(r#"[{"a": 1}]"#)), r#"Expected JSON object, received [{"a":1}]"#);
        assert_eq!(complaint(object_of(r#"{"a":"#)), "not JSON");
    }

    #[test]
    fn a_value_of_another_kind_is_named() {
        let fields = object_of(r#"{"a":1.0,"b":4294967296,"c":"x","d":[]}"#).unwrap();
        assert_eq!(complaint(int(&fields["a"])), "Expected `Int` value, received 1.0");
        assert_eq!(complaint(int(&fields["b"])), "Expected `Int` value, received 4294967296");
        assert_eq!(long(&fields["b"]), Ok(4_294_967_296));
        assert_eq!(complaint(long(&fields["c"])), r#"Expected `Long` value, received "x""#);
        assert_eq!(complaint(list(&fields["c"])), r#"Expected JSON array, received "x""#);
        assert_eq!(complaint(text(&fields["d"])), "Expected `String` value, received []");
        assert_eq!(complaint(object(&fields["d"])), "Expected JSON object, received []");
        assert_eq!(complaint(field(&fields, "e")), "No such field exists: `e`");
    }
}
