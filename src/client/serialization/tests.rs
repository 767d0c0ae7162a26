use serde_json::json;
use uuid::Uuid;

use super::*;

/// The bytes of a value by its type's own serde; the value comes back out of them.
fn bytes<T: HasSerde + PartialEq + std::fmt::Debug>(value: T) -> Bytes {
    let serde = T::Serde::default();
    let bytes = serde.serialize("t", &mut Vec::new(), &value).unwrap().expect("the value is not null");
    assert_eq!(serde.deserialize("t", &[], &bytes).unwrap(), value);
    bytes
}

fn refusal<T: HasSerde>(bytes: &'static [u8]) -> String {
    let refused = T::Serde::default().deserialize("t", &[], &Bytes::from_static(bytes));
    refused.map(drop).unwrap_err().to_string()
}

/// As Java's serializers wrote these values.
#[test]
fn the_bytes_are_those_of_javas_serializers() {
    assert_eq!(bytes("zwölf".to_owned()), "zwölf");
    assert_eq!(bytes(Bytes::from_static(b"\0\xff")), b"\0\xff"[..]);
    assert_eq!(bytes(vec![1u8, 2]), b"\x01\x02"[..]);
    assert_eq!(bytes(-2i16), b"\xff\xfe"[..]);
    assert_eq!(bytes(305_419_896i32), b"\x12\x34\x56\x78"[..]);
    assert_eq!(bytes(-1i64), b"\xff\xff\xff\xff\xff\xff\xff\xff"[..]);
    assert_eq!(bytes(1.5f32), b"\x3f\xc0\0\0"[..]);
    assert_eq!(bytes(-2.0f64), b"\xc0\0\0\0\0\0\0\0"[..]);
    let uuid = Uuid::from_u128(0x123e4567_e89b_12d3_a456_426614174000);
    assert_eq!(bytes(uuid), "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!(VoidSerde.serialize("t", &mut Vec::new(), &()).unwrap(), None);
    assert_eq!(bytes(Json(json!({"b": [1, null], "a": "x"}))), r#"{"b":[1,null],"a":"x"}"#);
    assert_eq!(BytesSerde.serialize("t", &mut Vec::new(), &b"x"[..]).unwrap().unwrap(), "x");
    assert_eq!(StringSerde.serialize("t", &mut Vec::new(), "x").unwrap().unwrap(), "x");
}

#[test]
fn bytes_of_no_value_are_refused_in_kafkas_words() {
    assert_eq!(refusal::<i16>(b"\0"), "Size of data received by ShortDeserializer is not 2");
    assert_eq!(refusal::<i32>(b"\0\0\0\0\0"), "Size of data received by IntegerDeserializer is not 4");
    assert_eq!(refusal::<i64>(b""), "Size of data received by LongDeserializer is not 8");
    assert_eq!(refusal::<f32>(b"\0"), "Size of data received by Deserializer is not 4");
    assert_eq!(refusal::<f64>(b"\0"), "Size of data received by Deserializer is not 8");
    assert_eq!(refusal::<()>(b""), "Data should be null for a VoidDeserializer.");
    assert!(refusal::<Uuid>(b"123e4567").starts_with("Error parsing data into UUID: "));
    assert!(refusal::<String>(b"\xff").starts_with("Error when deserializing byte[] to string: "));
    assert!(refusal::<Json<i32>>(b"x").starts_with("expected value"));
    let own: SerializationError = SerializationError::own("no such schema");
    assert_eq!(own.to_string(), "no such schema");
}

#[test]
fn a_record_takes_the_bytes_of_typed_keys_and_values() {
    use crate::client::ProducerRecord;

    let record = ProducerRecord::tombstone("t").typed_key(&7i32).unwrap();
    let record = record.typed_value(&Json("aa".to_owned())).unwrap();
    assert_eq!(
        (record.key.unwrap(), record.value.unwrap()),
        (Bytes::from_static(b"\0\0\0\x07"), "\"aa\"".into())
    );
    let record = ProducerRecord::tombstone("t").key_by(&StringSerde, "k").unwrap();
    assert_eq!(record.value_by(&VoidSerde, &()).unwrap().value, None);
}

#[test]
fn a_record_that_was_read_gives_typed_keys_and_values() {
    use crate::base::TopicPartition;
    use crate::client::consumer::ConsumerRecord;
    use crate::wire::batch::TimestampType;

    let record = ConsumerRecord {
        partition: TopicPartition::new("t", 0),
        offset: 0,
        leader_epoch: None,
        timestamp: 0,
        timestamp_type: TimestampType::CreateTime,
        key: Some(Bytes::from_static(b"\0\0\0\x07")),
        value: None,
        headers: Vec::new(),
    };
    assert_eq!(record.key_as::<i32>().unwrap(), Some(7));
    assert_eq!(record.key_with(&IntegerSerde).unwrap(), Some(7));
    assert!(record.key_as::<i64>().is_err());
    assert_eq!(record.value_as::<String>().unwrap(), None);
    let null: Option<String> = record.value_with(&StringSerde).unwrap();
    assert_eq!(null, None);
}
