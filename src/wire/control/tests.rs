use super::*;

#[test]
fn a_marker_reads_back() {
    for committed in [true, false] {
        let marker = EndTransactionMarker { committed, coordinator_epoch: 17 };
        let batch = Batch::parse(&marker.batch(1000, 5, 2).expect("a batch")).expect("a batch");
        assert!(batch.header().is_control() && batch.header().is_transactional());
        assert_eq!(EndTransactionMarker::of_batch(&batch), Ok(Some(marker)));
    }
}

#[test]
fn what_is_no_marker_is_refused() {
    let record = |key: &'static [u8], value: &'static [u8]| Record {
        key: Some(Bytes::from_static(key)),
        value: Some(Bytes::from_static(value)),
        ..Record::default()
    };
    for (key, value) in [
        (&[0, 0, 0][..], &[0; 6][..]),
        (&[0xff, 0, 0, 1], &[0; 6]),
        (&[0, 0, 0, 3], &[0; 6]),
        (&[0, 0, 0, 1], &[0; 5]),
        (&[0, 0, 0, 1], &[0xff, 0, 0, 0, 0, 0]),
    ] {
        assert!(EndTransactionMarker::parse(&record(key, value)).is_err(), "{key:?} {value:?}");
    }
}
