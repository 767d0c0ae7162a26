use super::*;

fn hasher() -> KeyHasher {
    KeyHasher::new((1, 2))
}

fn record(key: u32, offset: Offset) -> KeyOffset {
    KeyOffset { hash: hasher().hash(&key.to_be_bytes()), offset }
}

#[test]
fn the_latest_offset_of_each_key_is_known() {
    let mut map = OffsetMap::new(1 << 20, 0.9, usize::MAX);
    let records: Vec<_> = (0..1000).map(|offset| record(offset % 100, i64::from(offset))).collect();
    assert_eq!(map.put_all(&records), 1000);
    assert_eq!((map.len(), map.latest_offset()), (100, Some(999)));
    for key in 0..100u32 {
        assert_eq!(map.get(hasher().hash(&key.to_be_bytes())), Some(900 + i64::from(key)));
    }
    assert_eq!(map.get(hasher().hash(b"another")), None);
}

#[test]
fn a_buffer_holds_as_many_keys_as_kafkas() {
    // 100 entries of 24 bytes, of which 0.9 may be used.
    let mut map = OffsetMap::new(2400, 0.9, usize::MAX);
    let records: Vec<_> = (0..200).map(|at| record(at, i64::from(at))).collect();
    assert_eq!(map.put_all(&records), 90);
    assert_eq!((map.len(), map.latest_offset()), (90, Some(89)));
    assert_eq!(map.put_all(&records[..1]), 0, "not even a key that it has: the cleaning is to end there");
    assert!((map.utilization() - 0.9).abs() < 1e-9);
    let found = records.iter().filter(|record| map.get(record.hash) == Some(record.offset)).count();
    assert_eq!(found, 90);
}

#[test]
fn a_map_that_is_filled_to_its_last_slot_is_still_searched() {
    for load_factor in [1.0, 7.0] {
        let mut map = OffsetMap::new(240, load_factor, usize::MAX);
        let records: Vec<_> = (0..20).map(|at| record(at, i64::from(at))).collect();
        assert_eq!(map.put_all(&records), 10);
        assert_eq!(map.get(records[15].hash), None);
        assert_eq!(map.get(records[9].hash), Some(9));
    }
}

#[test]
fn few_keys_take_little_memory_and_all_fit() {
    let mut map = OffsetMap::new(128 << 20, 0.9, 3);
    assert!(map.slots.len() < 10);
    let records: Vec<_> = (0..3).map(|at| record(at, i64::from(at))).collect();
    assert_eq!(map.put_all(&records), 3);
    assert!(map.utilization() < 1e-6, "of the buffer, not of what is in use of it");
}

#[test]
fn offsets_without_keys_count_as_seen() {
    let mut map = OffsetMap::new(2400, 0.9, 100);
    assert!(map.is_empty());
    assert_eq!(map.latest_offset(), None);
    map.update_latest_offset(7);
    map.update_latest_offset(5);
    assert_eq!(map.latest_offset(), Some(7));
}

#[test]
fn keys_of_one_secret_are_others_with_another() {
    let key = b"some key";
    assert_eq!(KeyHasher::new((1, 2)).hash(key), hasher().hash(key));
    assert_ne!(KeyHasher::new((1, 3)).hash(key), hasher().hash(key));
    assert_ne!(hasher().hash(b""), hasher().hash(b"\0"));
}
