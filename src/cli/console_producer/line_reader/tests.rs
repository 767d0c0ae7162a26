use super::*;

fn reader(properties: &[(&str, &str)]) -> LineReader {
    LineReader::new("t", &properties.iter().copied().collect(), LineEncoders::default())
}

#[test]
fn a_line_is_a_value_or_a_key_and_a_value() {
    let plain = reader(&[]).record(b"a\tb").unwrap();
    assert_eq!((plain.key, plain.value), (None, Some("a\tb".into())));
    let keyed = reader(&[("parse.key", "true"), ("key.separator", "::")]).record(b"a::b::c").unwrap();
    assert_eq!((keyed.key, keyed.value), (Some("a".into()), Some("b::c".into())));
    let unparted = reader(&[("parse.key", "true"), ("key.separator", "")]).record(b"ab").unwrap();
    assert_eq!((unparted.key, unparted.value), (Some("".into()), Some("ab".into())));
}

#[test]
fn a_line_without_a_key_ends_it_unless_errors_are_ignored() {
    let error = reader(&[("parse.key", "true")]).record(b"ab").unwrap_err();
    assert_eq!(error.to_string(), "org.apache.kafka.common.KafkaException: No key found on line 0: ab");
    let kept = reader(&[("parse.key", "true"), ("ignore.error", "true")]).record(b"ab").unwrap();
    assert_eq!((kept.key, kept.value), (None, Some("ab".into())));
}

#[test]
fn a_null_encoder_sends_no_value() {
    let encoders = LineEncoders { value: LineEncoder::Null, ..LineEncoders::default() };
    let properties = [("parse.key", "true")].into_iter().collect();
    let deleted = LineReader::new("t", &properties, encoders).record(b"a\tb").unwrap();
    assert_eq!((deleted.key, deleted.value), (Some("a".into()), None));
}
