//! The events of the verifiable tools, a line of JSON each, in the order of Kafka's fields.
//!
//! Pure.

use serde_json::{Map, Value};

use crate::base::Millis;

/// An event: its time, its name, and the fields of `more`, an object.
pub fn line(name: &str, more: Value, now: Millis) -> String {
    let mut event = Map::new();
    event.insert("timestamp".to_owned(), now.into());
    event.insert("name".to_owned(), name.into());
    if let Value::Object(more) = more {
        event.extend(more);
    }
    Value::Object(event).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_begins_with_its_time_and_its_name() {
        let line = line("tool_data", serde_json::json!({ "sent": 3, "avg": 9.5 }), 17);
        assert_eq!(line, r#"{"timestamp":17,"name":"tool_data","sent":3,"avg":9.5}"#);
    }
}
