//! The tables against `kafka-protocol`, which is made from Kafka's schemas by others: what one side writes the
//! other reads, and writes again byte by byte.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as OtherKey, RequestKind, ResponseKind};

use super::any::Any;
use super::{Message, Request};
use crate::wire::codec::field::At;
use crate::wire::{Reader, Writer};

/// Messages tried for each version and direction.
const ROUNDS: u64 = 40;

/// Random requests and responses of an API, at all its versions.
pub(crate) fn agree<R: Request + Any>()
where
    R::Response: Any,
{
    let key = OtherKey::try_from(R::KEY.code()).expect("the other side has the API");
    for version in R::VERSIONS {
        for seed in 0..ROUNDS {
            let what = format!("{} v{version}, seed {seed}", R::KEY);
            both_ways::<R>(&what, version, R::FLEXIBLE_FROM, seed, |bytes| {
                let kind = RequestKind::decode(key, bytes, version)?;
                let mut out = BytesMut::new();
                kind.encode(&mut out, version)?;
                Ok(out.freeze())
            });
            both_ways::<R::Response>(&what, version, R::FLEXIBLE_FROM, seed, |bytes| {
                let kind = ResponseKind::decode(key, bytes, version)?;
                let mut out = BytesMut::new();
                kind.encode(&mut out, version)?;
                Ok(out.freeze())
            });
        }
    }
}

/// A message that is written here, read and written again by the other implementation, and read here.
fn both_ways<M: Message + Any>(
    what: &str,
    version: i16,
    flexible_from: i16,
    seed: u64,
    other: impl Fn(&mut Bytes) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>>,
) {
    let message = M::any(&mut fastrand::Rng::with_seed(seed), At::new(version, flexible_from));
    let mut out = Writer::new();
    message.encode(&mut out, version).unwrap_or_else(|error| panic!("{what}: {error}\n{message:?}"));
    let written = out.into_bytes().unwrap();

    let mut input = Reader::new(written.clone());
    let again = M::decode(&mut input, version).unwrap_or_else(|error| panic!("{what}: {error}\n{message:?}"));
    assert_eq!((&again, input.remaining()), (&message, 0), "{what}: our own round trip");

    let mut rest = written.clone();
    let reread =
        other(&mut rest).unwrap_or_else(|error| panic!("{what}: the other side fails: {error}\n{message:?}"));
    assert!(rest.is_empty(), "{what}: they leave {} bytes of {message:?}", rest.len());
    assert_eq!(reread, written, "{what}: {message:?}");
}

#[test]
fn there_are_the_apis_of_the_broker_and_no_others() {
    let keys: Vec<i16> = crate::wire::api_key::ApiKey::ALL.iter().map(|key| key.code()).collect();
    assert_eq!(keys, (0..=51).chain([56, 57]).collect::<Vec<_>>());
}
