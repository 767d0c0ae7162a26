//! Batches as messages of formats 0 and 1, for brokers before 0.11.
//!
//! Pure. Kafka: `AbstractRecords.downConvert` as the producer uses it.

use bytes::Bytes;

use crate::wire::batch::{Batch, BatchError};
use crate::wire::legacy::MessageSetBuilder;

/// The format of records in a version of Produce.
pub(super) fn magic_of(version: i16) -> i8 {
    match version {
        ..=1 => 0,
        2 => 1,
        _ => 2,
    }
}

/// A batch of format 2 in the format `magic`, which is the same if it is 2.
///
/// # Errors
/// [`BatchError::Unsupported`] for headers and zstd before format 2.
pub(super) fn down_convert(bytes: &Bytes, magic: i8) -> Result<Bytes, BatchError> {
    if magic >= 2 {
        return Ok(bytes.clone());
    }
    let batch = Batch::parse(bytes)?;
    let mut messages = MessageSetBuilder::new(magic, batch.header().compression()?, None, 0);
    for record in batch.records()? {
        let record = record?;
        if !record.headers.is_empty() {
            return Err(BatchError::Unsupported(format!("Magic v{magic} does not support record headers")));
        }
        messages.push(record.offset, record.timestamp, record.key.as_deref(), record.value.as_deref());
    }
    messages.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::batch::BatchBuilder;
    use crate::wire::compression::Compression;
    use crate::wire::memory_records::MemoryRecords;

    fn batch(codec: Compression, headers: &[(String, Option<Bytes>)]) -> Bytes {
        let mut builder = BatchBuilder::new().compression(codec);
        for number in 0..3 {
            builder.push(100 + number, Some(b"k"), Some(&[b'v'; 40]), headers);
        }
        builder.build().unwrap()
    }

    #[test]
    fn an_old_broker_gets_messages() {
        assert_eq!([0, 1, 2, 3, 8].map(magic_of), [0, 0, 1, 2, 2]);
        for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            for magic in [0, 1] {
                let messages = down_convert(&batch(codec, &[]), magic).unwrap();
                let decoded = MemoryRecords::decode(messages);
                assert!(decoded.fault().is_none());
                let records: Vec<_> =
                    decoded.batches().iter().flat_map(|batch| batch.all_records().unwrap()).collect();
                let found: Vec<_> = records.iter().map(|it| (it.offset, it.timestamp)).collect();
                let time = |number| if magic == 0 { -1 } else { 100 + number };
                assert_eq!(found, [0, 1, 2].map(|number| (number, time(number))), "{codec:?} {magic}");
            }
        }
        let same = batch(Compression::Zstd, &[]);
        assert_eq!(down_convert(&same, 2).unwrap(), same);
    }

    #[test]
    fn what_old_formats_do_not_have_is_refused() {
        let headers = [("h".to_owned(), None)];
        assert!(matches!(
            down_convert(&batch(Compression::None, &headers), 1),
            Err(BatchError::Unsupported(_))
        ));
        assert!(matches!(down_convert(&batch(Compression::Zstd, &[]), 1), Err(BatchError::Unsupported(_))));
    }
}
