//! What a member of a consumer group subscribes to, as its client writes it into the protocol's metadata.
//!
//! Pure. Every version begins as version 0 does: the version, the topics. Kafka: `ConsumerProtocol`.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::wire::codec::{Reader, WireError};

/// The protocol type of consumers.
pub(super) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// Adds the topics of a subscription; no metadata is no subscription.
///
/// # Errors
/// It cannot be read.
pub(super) fn add_topics(metadata: Option<&Bytes>, topics: &mut BTreeSet<Box<str>>) -> Result<(), ()> {
    let metadata = metadata.ok_or(())?;
    read(metadata, topics).map_err(|_| ())
}

fn read(metadata: &Bytes, topics: &mut BTreeSet<Box<str>>) -> Result<(), WireError> {
    let mut input = Reader::new(metadata.clone());
    let _version = input.i16()?;
    for _ in 0..input.i32()?.max(0) {
        let length = input.i16()?;
        let name = input.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        let name = String::from_utf8_lossy(&name);
        if !topics.contains(&*name) {
            topics.insert(name.into());
        }
    }
    // User data: null, or so many bytes.
    let length = input.i32()?;
    input.skip(usize::try_from(length).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_whatever_follows_them() {
        let mut topics = BTreeSet::new();
        let of_version_1 = b"\0\x01\0\0\0\x02\0\x01a\0\x02bc\xff\xff\xff\xff\0\0\0\0";
        add_topics(Some(&Bytes::from_static(of_version_1)), &mut topics).unwrap();
        assert_eq!(topics, ["a", "bc"].map(Box::from).into());
    }

    #[test]
    fn what_is_cut_off_is_no_subscription() {
        for metadata in [
            &b""[..],
            b"\0\0",
            b"\0\0\x7f\xff\xff\xff",
            b"\0\0\0\0\0\x01\xff\xff\0",
            b"\0\0\0\0\0\x01\0\x01a",
        ] {
            let metadata = Bytes::from_static(metadata);
            assert_eq!(add_topics(Some(&metadata), &mut BTreeSet::new()), Err(()), "{metadata:?}");
        }
        assert_eq!(add_topics(None, &mut BTreeSet::new()), Err(()));
    }
}
