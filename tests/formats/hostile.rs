//! Hostile input: frames that are truncated, changed or padded are refused or read, but never cause a panic,
//! and never make a reader allocate more memory than the frame's size warrants.

use barnabas::wire::Reader;
use barnabas::wire::header::{RequestHeader, ResponseHeader};
use bytes::Bytes;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exchanges::exchanges;
use crate::messages::{rewrite_request, rewrite_response};

/// Address space for the whole test process: far more than the tests need, far less than one forged count asks for.
const MEMORY: u64 = 8 << 30;
/// Changed copies of each recorded frame.
const ROUNDS: usize = 300;

/// Bounds the process's address space, to [`MEMORY`] by default.
pub fn bound_memory(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::As).maximum;
    setrlimit(Resource::As, Rlimit { current: Some(bytes.unwrap_or(MEMORY)), maximum })
        .expect("a lower limit is always allowed");
}

/// What the broker does with a frame, as far as the wire goes.
fn read_request(frame: Bytes) {
    let mut input = Reader::new(frame);
    if let Ok(header) = RequestHeader::decode(&mut input) {
        let _ = rewrite_request(header.api_key, header.api_version, &mut input);
    }
}

/// A frame with a few bytes changed, mostly to values that make lengths and counts large.
fn changed(frame: &[u8], seed: &mut fastrand::Rng) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for _ in 0..seed.usize(1..4) {
        // Key and version stay, so that the message behind them is reached.
        let at = seed.usize(4..frame.len());
        frame[at] = *seed.choice(&[0x7f, 0xff, 0x80, 0, 1, seed_byte(at)]).expect("not empty");
    }
    if seed.u8(..8) == 0 {
        frame.truncate(seed.usize(..frame.len()));
    }
    frame
}

/// Some byte that is none of the usual ones.
fn seed_byte(at: usize) -> u8 {
    (at as u8).wrapping_mul(31) ^ 0x5a
}

#[test]
fn truncated_and_changed_frames_neither_panic_nor_allocate_without_bound() {
    bound_memory(None);
    let number = fastrand::u64(..);
    println!("seed {number}");
    let mut seed = fastrand::Rng::with_seed(number);
    for (request, response) in exchanges() {
        for end in 0..request.len() {
            read_request(request.slice(..end));
        }
        let header = RequestHeader::decode(&mut Reader::new(request.clone())).expect("a header");
        for _ in 0..ROUNDS {
            read_request(changed(&request, &mut seed).into());
            let mut input = Reader::new(changed(&response, &mut seed).into());
            if ResponseHeader::decode(&mut input, header.api_key, header.api_version).is_ok() {
                let _ = rewrite_response(header.api_key, header.api_version, &mut input);
            }
        }
    }
}

#[test]
fn bytes_after_a_request_are_ignored() {
    for (request, _) in exchanges() {
        let mut input = Reader::new([&request[..], b"more"].concat().into());
        let header = RequestHeader::decode(&mut input).expect("a header");
        rewrite_request(header.api_key, header.api_version, &mut input).expect("a request");
        assert_eq!(input.remaining(), 4);
    }
}
