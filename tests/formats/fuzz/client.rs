//! The machines of the client library with the answers of a hostile broker: what the decoders let through, and answers
//! that no broker would give. Nothing panics, no turn goes on for ever, positions never go back, and every record that
//! was accepted has one outcome.

mod fetches;
mod groups;
mod producers;

use barnabas::wire::message::Message;
use barnabas::wire::{Reader, Writer};
use fastrand::Rng;

use super::{Run, damaged};

/// A message as it comes out of the decoder, where its bytes were damaged on the way; None where they cannot be read.
fn through_the_wire<M: Message>(right: &M, version: i16, rng: &mut Rng) -> Option<M> {
    let mut out = Writer::new();
    right.encode(&mut out, version).expect("the message can be written in this version");
    let bytes = out.into_bytes().expect("no records of these lie in files");
    let bytes = if rng.u8(..8) == 0 { bytes } else { damaged(&bytes, rng).into() };
    M::decode(&mut Reader::new(bytes), version).ok()
}

#[test]
fn client() {
    let run = Run::asked_for();
    let make = |rng: &mut Rng| rng.u64(..).to_be_bytes().to_vec();
    run.each("client", run.share(20, 2_000), make, |input, _| {
        let mut rng = Rng::with_seed(u64::from_be_bytes(input.try_into().expect("a seed")));
        match rng.u8(..5) {
            0 | 1 => fetches::play(&mut rng),
            2 | 3 => groups::play(&mut rng),
            _ => producers::play(&mut rng),
        }
    });
}
