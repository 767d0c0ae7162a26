use super::*;

fn names(subscription: &TopicCount, exclude_internal: bool) -> Vec<String> {
    let all: Vec<Arc<str>> = ["a", "ab", "b", "__consumer_offsets"].map(Arc::from).to_vec();
    subscription
        .topics(all.iter(), exclude_internal)
        .into_iter()
        .map(|(topic, _)| topic.to_string())
        .collect()
}

fn filter(kind: FilterKind, text: &str) -> TopicCount {
    TopicCount::by_filter(TopicFilter::new(kind, text).unwrap())
}

#[test]
fn registrations_are_written_as_kafkas_consumers_write_them() {
    let written = |it: &TopicCount| String::from_utf8(it.registration(1_795_209_636_405).encode()).unwrap();
    assert_eq!(
        written(&filter(FilterKind::Whitelist, "ol.*")),
        r#"{"version":1,"subscription":{"ol.*":1},"pattern":"white_list","timestamp":"1795209636405"}"#
    );
    assert_eq!(
        written(&filter(FilterKind::Blacklist, "x")),
        r#"{"version":1,"subscription":{"x":1},"pattern":"black_list","timestamp":"1795209636405"}"#
    );
    assert_eq!(
        written(&TopicCount::Static(vec![("t".into(), 2), ("u".into(), 1)])),
        r#"{"version":1,"subscription":{"t":2,"u":1},"pattern":"static","timestamp":"1795209636405"}"#
    );
}

#[test]
fn the_subscription_of_another_consumer_is_read_from_its_registration() {
    let read =
        |text: &str| TopicCount::of_registration(&ConsumerRegistration::decode(text.as_bytes()).unwrap());
    let black = read(r#"{"version":1,"subscription":{"a.*":3},"pattern":"black_list","timestamp":"1"}"#);
    assert!(black.is_wildcard());
    assert_eq!(names(&black, true), ["b"]);
    let fixed = read(r#"{"version":1,"subscription":{"x":3},"pattern":"static","timestamp":"1"}"#);
    assert!(!fixed.is_wildcard());
    assert_eq!(fixed.topics([].iter(), true), [("x".into(), 3)]);
    let bad = read(r#"{"version":1,"subscription":{"a[":1},"pattern":"white_list","timestamp":"1"}"#);
    assert!(names(&bad, true).is_empty());
    assert!(names(&read(r#"{"subscription":{},"pattern":"white_list","timestamp":"1"}"#), true).is_empty());
}
