//! Exchanges recorded from Kafka 2.7.2, one for each API and version: they are read, and written again byte by byte.

use std::collections::BTreeSet;

use barnabas::wire::api_key::ApiKey;
use barnabas::wire::header::{RequestHeader, ResponseHeader};
use barnabas::wire::{Reader, Writer};
use bytes::Bytes;

use crate::messages::{rewrite_request, rewrite_response};

/// The recorded exchanges: request and response frames without their length prefix.
pub fn exchanges() -> Vec<(Bytes, Bytes)> {
    include_str!("data/exchanges.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (request, response) = line.split_once(' ').expect("two columns");
            (from_hex(request), from_hex(response))
        })
        .collect()
}

fn from_hex(text: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}

#[test]
fn recorded_requests_and_responses_are_rewritten_byte_by_byte() {
    for (request, response) in exchanges() {
        let mut input = Reader::new(request.clone());
        let header = RequestHeader::decode(&mut input).expect("a header");
        let (key, version) = (header.api_key, header.api_version);
        let mut out = Writer::new();
        header.encode(&mut out).expect("it was read");
        out.raw(
            &rewrite_request(key, version, &mut input)
                .unwrap_or_else(|error| panic!("{key} v{version}: {error}")),
        );
        assert_eq!(out.into_bytes().expect("in memory"), request, "request {key} v{version}");
        assert_eq!(input.remaining(), 0, "request {key} v{version}");

        let mut input = Reader::new(response.clone());
        let head = ResponseHeader::decode(&mut input, key, version).expect("a header");
        assert_eq!(head.correlation_id, header.correlation_id);
        let mut out = Writer::new();
        head.encode(&mut out, key, version);
        out.raw(
            &rewrite_response(key, version, &mut input)
                .unwrap_or_else(|error| panic!("{key} v{version}: {error}")),
        );
        assert_eq!(out.into_bytes().expect("in memory"), response, "response {key} v{version}");
        assert_eq!(input.remaining(), 0, "response {key} v{version}");
    }
}

#[test]
fn no_api_and_version_is_missing() {
    let recorded: BTreeSet<(i16, i16)> = exchanges()
        .iter()
        .map(|(request, _)| {
            (i16::from_be_bytes([request[0], request[1]]), i16::from_be_bytes([request[2], request[3]]))
        })
        .collect();
    let all = ApiKey::ALL.iter().flat_map(|key| key.versions().map(|version| (key.code(), version)));
    assert_eq!(recorded, all.collect());
}
