use super::*;

fn partitions(of: &[(&str, i32)]) -> Vec<TopicPartition> {
    of.iter().map(|(topic, at)| TopicPartition::new(*topic, *at)).collect()
}

#[test]
fn a_subscription_has_the_bytes_of_kafkas_clients() {
    let subscription = ConsumerSubscription {
        topics: vec!["a".into(), "bc".into()],
        user_data: None,
        owned_partitions: partitions(&[("a", 1), ("bc", 0), ("a", 0)]),
        group_instance_id: None,
    };
    let bytes = write_subscription(&subscription);
    let expected: &[u8] = b"\0\x01\0\0\0\x02\0\x01a\0\x02bc\xff\xff\xff\xff\
        \0\0\0\x02\0\x02bc\0\0\0\x01\0\0\0\0\0\x01a\0\0\0\x02\0\0\0\x01\0\0\0\0";
    assert_eq!(bytes, expected);
    let read = read_subscription(&bytes, &mut TopicNames::default()).unwrap();
    let grouped = partitions(&[("bc", 0), ("a", 1), ("a", 0)]);
    assert_eq!(read, ConsumerSubscription { owned_partitions: grouped, ..subscription });
}

#[test]
fn older_and_newer_subscriptions_are_read() {
    let mut names = TopicNames::default();
    let old = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01a\0\0\0\x02xy");
    let read = read_subscription(&old, &mut names).unwrap();
    assert_eq!((read.user_data.as_deref(), read.owned_partitions.len()), (Some(&b"xy"[..]), 0));
    let newer = Bytes::from_static(b"\0\x03\0\0\0\x01\0\x01a\xff\xff\xff\xff\0\0\0\0\0\0\0\x07\xff\xff");
    assert_eq!(read_subscription(&newer, &mut names).unwrap().topics, ["a".into()]);
}

#[test]
fn an_assignment_is_read_as_it_was_written() {
    let assignment = ConsumerAssignment {
        partitions: partitions(&[("t", 2), ("t", 0)]),
        user_data: Some(Bytes::from_static(b"u")),
    };
    let bytes = write_assignment(&assignment);
    assert_eq!(bytes, &b"\0\x01\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0\x01u"[..]);
    assert_eq!(read_assignment(&bytes).unwrap(), assignment);
}

#[test]
fn bytes_of_a_hostile_member_are_errors() {
    for bytes in [
        &b""[..],
        b"\0",
        b"\xff\xff\0\0\0\0\xff\xff\xff\xff",
        b"\0\x01\xff\xff\xff\xff",
        b"\0\x01\x7f\xff\xff\xff",
        b"\0\x01\x7f\xff\xff\xff\0\x01a\x7f\xff\xff\xff",
        b"\0\x01\0\0\0\x01\xff\xff",
        b"\0\x01\0\0\0\x01\0\x05ab",
        b"\0\x01\0\0\0\0\x7f\xff\xff\xff",
    ] {
        let bytes = Bytes::from_static(bytes);
        assert!(read_subscription(&bytes, &mut TopicNames::default()).is_err(), "{bytes:?}");
        assert!(read_assignment(&bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn damaged_bytes_are_read_or_refused() {
    let subscription = ConsumerSubscription {
        topics: vec!["orders".into(), "t".into()],
        user_data: Some(Bytes::from_static(b"some data")),
        owned_partitions: partitions(&[("orders", 1), ("t", 0), ("t", 7)]),
        group_instance_id: None,
    };
    let assignment =
        ConsumerAssignment { partitions: subscription.owned_partitions.clone(), user_data: None };
    let mut chance = fastrand::Rng::with_seed(11);
    for whole in [write_subscription(&subscription), write_assignment(&assignment)] {
        for _ in 0..5_000 {
            let mut bytes = whole.to_vec();
            for _ in 0..chance.usize(1..4) {
                let at = chance.usize(..bytes.len());
                bytes[at] = if chance.bool() { chance.u8(..) } else { [0, 0x7f, 0xff][chance.usize(..3)] };
            }
            bytes.truncate(chance.usize(bytes.len() / 2..=bytes.len()));
            let bytes = Bytes::from(bytes);
            // What is read is bounded by the bytes: a partition has four of them, a topic at least two.
            if let Ok(read) = read_subscription(&bytes, &mut TopicNames::default()) {
                assert!(read.owned_partitions.len() * 4 + read.topics.len() * 2 <= bytes.len());
            }
            if let Ok(read) = read_assignment(&bytes) {
                assert!(read.partitions.len() * 4 <= bytes.len());
            }
        }
    }
}
