//! Walking batches of all sizes, up to every kind of end.

use std::io::Write;

use super::*;
use crate::wire::batch::BatchBuilder;

fn batch(base: i64, size: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::new().base_offset(base);
    builder.push(base, None, Some(&vec![7; size]), &[]);
    builder.build().unwrap().to_vec()
}

fn file(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.into()
}

/// The base offset of each header and batch, with its place.
type Places = Vec<(u64, i64)>;

fn walked(file: &Arc<File>, from: u64, end: u64) -> (Places, Places) {
    let (mut headers, mut batches) =
        (Headers::new(file.clone(), from, end), FileBatches::new(file.clone(), from, end));
    let (mut of_headers, mut of_batches) = (Vec::new(), Vec::new());
    while let Some((at, header)) = headers.next_header().unwrap() {
        of_headers.push((at, header.base_offset));
    }
    while let Some((at, batch)) = batches.next_batch().unwrap() {
        batch.check_crc().unwrap();
        of_batches.push((at, batch.header().base_offset));
    }
    (of_headers, of_batches)
}

#[test]
fn both_walks_see_the_same_batches() {
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for (base, size) in [0, 1, 10, 4000, 5000, 1 << 20, 3, (1 << 21) + 1, 0].into_iter().enumerate() {
        expected.push((bytes.len() as u64, base as i64));
        bytes.extend(batch(base as i64, size));
    }
    let file = file(&bytes);
    assert_eq!(walked(&file, 0, bytes.len() as u64), (expected.clone(), expected.clone()));
    let (from, _) = expected[3];
    let rest = expected[3..].to_vec();
    assert_eq!(walked(&file, from, bytes.len() as u64), (rest.clone(), rest));
}

#[test]
fn an_incomplete_batch_ends_the_records() {
    let whole = batch(0, 20);
    let bytes = [whole.clone(), batch(1, 30)].concat();
    let file = file(&bytes);
    for end in whole.len()..bytes.len() {
        assert_eq!(walked(&file, 0, end as u64), (vec![(0, 0)], vec![(0, 0)]), "cut at {end}");
    }
}

#[test]
fn what_is_no_batch_is_an_error() {
    let file = file(&[0; 100]);
    assert!(matches!(
        Headers::new(file.clone(), 0, 100).next_header(),
        Err(WalkError::Batch(BatchError::Corrupt(_)))
    ));
    assert!(matches!(
        FileBatches::new(file.clone(), 0, 100).next_batch(),
        Err(WalkError::Batch(BatchError::Corrupt(_)))
    ));
    let mut endless = batch(0, 10);
    endless[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    let file = self::file(&endless);
    assert!(FileBatches::new(file.clone(), 0, endless.len() as u64).next_batch().unwrap().is_none());
}
