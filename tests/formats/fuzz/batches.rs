//! Record batches of every format and codec, with their checksums wrong and right: all that a broker does with them.

use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::compression::Compression;
use barnabas::wire::legacy::MessageSetBuilder;
use bytes::Bytes;
use fastrand::Rng;

use super::{Run, damaged};
use crate::record_sets::{files, use_up, with_right_checksums};

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// A run of one to three batches of one format, with keys, values and headers that may be missing, empty or long.
fn batches(rng: &mut Rng) -> Vec<u8> {
    let magic = rng.i8(0..3);
    let count = rng.usize(1..4);
    (0..count).flat_map(|_| batch(magic, rng)).collect()
}

fn batch(magic: i8, rng: &mut Rng) -> Bytes {
    // The older formats know no zstd.
    let codec = CODECS[rng.usize(..if magic == 2 { 5 } else { 4 })];
    let records = rng.usize(1..6);
    if magic < 2 {
        let mut set = MessageSetBuilder::new(magic, codec, None, 0);
        for offset in 0..records {
            let (key, value) = (text(rng), text(rng));
            set.push(offset as i64, rng.i64(..), key.as_deref(), value.as_deref());
        }
        return set.build().unwrap();
    }
    let mut builder = BatchBuilder::new().compression(codec);
    match rng.u8(..4) {
        0 => builder = builder.producer(rng.i64(..), rng.i16(..), rng.i32(..)),
        1 => builder = builder.producer(1, 0, 0).transactional(true).control(rng.bool()),
        _ => {}
    }
    for _ in 0..records {
        let headers: Vec<_> =
            (0..rng.usize(..3)).map(|_| ("k".to_owned(), text(rng).map(Bytes::from))).collect();
        let (key, value) = (text(rng), text(rng));
        builder.push(rng.i64(..1 << 42), key.as_deref(), value.as_deref(), &headers);
    }
    builder.build().unwrap()
}

fn text(rng: &mut Rng) -> Option<Vec<u8>> {
    match rng.u8(..6) {
        0 => None,
        1 => Some(Vec::new()),
        2 => Some(vec![b'x'; rng.usize(..5_000)]),
        _ => Some((0..rng.usize(..30)).map(|_| rng.u8(..)).collect()),
    }
}

#[test]
fn batches_of_every_format_and_codec() {
    let recorded: Vec<_> = files("log").into_iter().map(|path| std::fs::read(path).unwrap()).collect();
    let run = Run::asked_for();
    let make = |rng: &mut Rng| {
        let whole = match rng.u8(..3) {
            0 => recorded[rng.usize(..recorded.len())].clone(),
            _ => batches(rng),
        };
        let bytes = damaged(&whole, rng);
        if rng.u8(..4) == 0 { bytes } else { with_right_checksums(&bytes).into() }
    };
    run.each("batches", run.share(29, 4_000), make, |input, _| use_up(&Bytes::copy_from_slice(input)));
}
