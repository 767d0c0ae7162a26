use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::compression::Compression;

/// A batch of records without key and value.
fn batch(offset: Offset, count: usize, codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new().base_offset(offset).compression(codec);
    (0..count).for_each(|_| builder.push(100, None, None, &[]));
    builder.build().unwrap()
}

fn control(offset: Offset) -> Bytes {
    let mut builder = BatchBuilder::new().base_offset(offset).control(true).producer(1, 0, -1);
    builder.push(1, Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[]);
    builder.build().unwrap()
}

fn convert(stored: &[Bytes], magic: i8, from: Offset) -> Result<DownConversion, ConversionError> {
    let stored = Records::Memory(stored.concat().into());
    DownConversion::new(TopicPartition::new("t", 0), &stored, magic, from)
}

/// The offsets of the whole messages, and what follows them.
fn read(conversion: DownConversion) -> (Vec<Offset>, Bytes) {
    let size = conversion.size();
    let bytes = Records::Lazy(std::sync::Arc::new(conversion)).read().unwrap();
    assert_eq!(bytes.len(), size, "exactly the announced size");
    let mut batches = Batch::split(bytes);
    let offsets = batches.by_ref().map(|batch| batch.unwrap().header().base_offset).collect();
    (offsets, batches.rest().clone())
}

fn filler_of(left: usize) -> Vec<u8> {
    let mut expected = (-1_i64).to_be_bytes().to_vec();
    expected.extend((left as u32 + 1).to_be_bytes());
    expected.resize(left, 0);
    expected
}

#[test]
fn converted_records_are_filled_up_with_an_incomplete_message() {
    // As Kafka 2.7.2 was seen to answer: 1,539 whole messages of 26 bytes each from the last record of the
    // first batch on.
    let mut stored = [0, 2000, 4000].map(|offset| batch(offset, 2000, Compression::None));
    stored[2].truncate(40_000 - stored[0].len() - stored[1].len());
    let (offsets, rest) = read(convert(&stored, 0, 1999).unwrap());
    assert_eq!(offsets, (1999..3537).collect::<Vec<_>>());
    assert_eq!(rest, &[3537_i64.to_be_bytes().to_vec(), vec![0, 0, 0, 14]].concat());
}

#[test]
fn the_first_batch_is_sent_whole_however_large_it_becomes() {
    let stored = [0, 2000].map(|offset| batch(offset, 2000, Compression::None));
    let first = convert(&stored, 0, 0).unwrap();
    assert_eq!(first.size(), 52_000);
    assert_eq!(read(first), ((0..2000).collect(), Bytes::new()));
}

#[test]
fn what_cannot_be_converted_ends_the_answer_and_is_an_error_where_it_comes_first() {
    let (plain, zstd) = (batch(0, 3, Compression::None), batch(6, 3, Compression::Zstd));
    let stored =
        [plain.clone(), batch(3, 3, Compression::Gzip), zstd.clone(), batch(9, 300, Compression::None)];
    let conversion = convert(&stored, 1, 0).unwrap();
    let (offsets, rest) = read(conversion);
    assert_eq!(offsets, [0, 1, 2, 5], "the messages of the first batch, and the wrapper of the second");
    assert_eq!(rest, filler_of(rest.len()));
    let refused = convert(&[zstd, plain.clone()], 1, 6).unwrap_err();
    assert_eq!(ErrorCode::from(&refused), ErrorCode::UnsupportedCompressionType);
    let mut broken = plain.to_vec();
    broken[16] = 99;
    assert_eq!(ErrorCode::from(&convert(&[broken.into()], 1, 0).unwrap_err()), ErrorCode::CorruptMessage);
}

#[test]
fn what_has_no_equivalent_leaves_a_message_that_is_none() {
    let (offsets, rest) = read(convert(&[control(0), control(1)], 1, 0).unwrap());
    assert_eq!((offsets, &rest[..]), (vec![], &[255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 61][..]));
    // Kafka sends the second batch twice here.
    let stored = [control(0), batch(1, 2, Compression::None), batch(3, 2, Compression::None)];
    assert_eq!(read(convert(&stored, 1, 0).unwrap()).0, [1, 2, 3, 4]);
}

#[test]
fn a_filler_is_repeated_where_it_is_longer_than_a_chunk() {
    let zstd = batch(1, 3, Compression::Zstd);
    let tail: Vec<_> = (0..40).map(|at| batch(4 + at * 1000, 1000, Compression::None)).collect();
    let conversion = convert(&[vec![batch(0, 1, Compression::None), zstd], tail].concat(), 0, 0).unwrap();
    let chunks: Vec<_> = conversion.chunks().map(Result::unwrap).collect();
    let left = conversion.size() - 26;
    assert!(left > 2 * CHUNK);
    assert_eq!(chunks.iter().map(Bytes::len).collect::<Vec<_>>(), [26, CHUNK, CHUNK, left - 2 * CHUNK]);
    assert_eq!(chunks[1], filler_of(left)[..CHUNK]);
    assert_eq!(chunks[2], filler_of(left - CHUNK)[..CHUNK]);
}

#[test]
fn no_chunk_is_larger_than_what_a_bounded_piece_becomes() {
    let stored: Vec<_> = (0..500).map(|at| batch(at * 2000, 2000, Compression::None)).collect();
    let conversion = convert(&stored, 1, 0).unwrap();
    let chunks: Vec<_> = conversion.chunks().map(|chunk| chunk.unwrap().len()).collect();
    let (most, all) = (chunks.iter().max().unwrap(), chunks.iter().sum::<usize>());
    assert!(*most < 6 * CHUNK, "{most}");
    assert_eq!(all, stored.concat().len());
    assert!(conversion.rest.read.is_empty(), "nothing is held that is not sent first");
}

#[test]
fn batches_are_read_from_a_file_as_they_are_from_memory() {
    let stored = [batch(0, 30_000, Compression::None), batch(30_000, 3, Compression::None), control(30_003)];
    let mut file = tempfile::tempfile().unwrap();
    let bytes = [&b"before"[..], &stored.concat(), b"behind"].concat();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let length = stored.concat().len() as u32;
    let slice = crate::base::FileSlice { file: std::sync::Arc::new(file), position: 6, length };
    let headers =
        |records| StoredBatches::new(records).map(|it| it.unwrap().header().clone()).collect::<Vec<_>>();
    let expected = headers(Records::Memory(stored.concat().into()));
    assert_eq!(headers(Records::File(slice.clone())), expected);
    assert_eq!(expected.len(), 3);
    assert!(is_newer(&Records::File(slice.clone()), 1) && !is_newer(&Records::File(slice), 2));
}
