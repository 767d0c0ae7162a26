//! Frames and messages: prefix, header, every request's and response's decoder.

use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::frame;
use barnabas::wire::header::{RequestHeader, ResponseHeader};
use bytes::Bytes;
use fastrand::Rng;

use super::{Run, damaged};
use crate::exchanges::exchanges;
use crate::messages::{rewrite_request, rewrite_response};

/// What a broker takes at most (`socket.request.max.bytes`).
const LARGEST: i32 = 100 << 20;

/// A request's frame with its prefix: a recorded one damaged, or noise, mostly behind the key and version of some API.
fn request(recorded: &[(Bytes, Bytes)], rng: &mut Rng) -> Vec<u8> {
    let body = match rng.u8(..8) {
        0 => noise(rng),
        1 => {
            let key = ApiKey::ALL[rng.usize(..ApiKey::ALL.len())];
            let version = rng.i16(key.versions());
            [&key.code().to_be_bytes()[..], &version.to_be_bytes(), &noise(rng)].concat()
        }
        _ => {
            let frame = &recorded[rng.usize(..recorded.len())].0;
            // Key and version mostly stay, so that the message behind them is reached.
            let kept = if rng.u8(..10) == 0 { 0 } else { 4 };
            [&frame[..kept], &damaged(&frame[kept..], rng)].concat()
        }
    };
    let length = i32::try_from(body.len()).unwrap_or(i32::MAX);
    let length = if rng.u8(..20) == 0 { rng.i32(..) } else { length };
    [&length.to_be_bytes()[..], &body].concat()
}

fn noise(rng: &mut Rng) -> Vec<u8> {
    (0..rng.usize(..200)).map(|_| rng.u8(..)).collect()
}

/// What the wire does with what comes in on a connection.
fn read_request(input: &[u8]) {
    let Some((prefix, body)) = input.split_first_chunk() else { return };
    let Ok(length) = frame::length(*prefix, LARGEST) else { return };
    let body = &body[..length.min(body.len())];
    let mut input = Reader::new(Bytes::copy_from_slice(body));
    if let Ok(header) = RequestHeader::decode(&mut input) {
        let (key, version) = (header.api_key, header.api_version);
        let Ok(written) = rewrite_request(key, version, &mut input) else { return };
        // What was read can be written, and then reads as the same again.
        let again = rewrite_request(key, version, &mut Reader::new(written.clone()));
        assert_eq!(again.ok(), Some(written), "{key} v{version}");
    }
}

#[test]
fn requests() {
    let (run, recorded) = (Run::asked_for(), exchanges());
    let make = |rng: &mut Rng| request(&recorded, rng);
    run.each("requests", run.share(35, 30_000), make, |input, _| read_request(input));
}

#[test]
fn responses() {
    let (run, recorded) = (Run::asked_for(), exchanges());
    let make = |rng: &mut Rng| {
        let (request, response) = &recorded[rng.usize(..recorded.len())];
        [&request[..4], &damaged(response, rng)].concat()
    };
    run.each("responses", run.share(15, 10_000), make, |input, _| {
        let mut asked = Reader::new(Bytes::copy_from_slice(&[&input[..4], &[0; 16]].concat()));
        let Ok(RequestHeader { api_key, api_version, .. }) = RequestHeader::decode(&mut asked) else {
            return;
        };
        let mut input = Reader::new(Bytes::copy_from_slice(&input[4..]));
        if ResponseHeader::decode(&mut input, api_key, api_version).is_ok() {
            let _ = rewrite_response(api_key, api_version, &mut input);
        }
    });
}
