use super::*;

fn gathering(batch_size: usize, linger: Millis) -> Accumulator<u32> {
    Accumulator::new(Gathering { batch_size, linger, compression: Compression::None })
}

fn value(size: usize) -> ProducerRecord {
    ProducerRecord { value: Some(vec![b'x'; size].into()), timestamp: 5, ..ProducerRecord::default() }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

#[test]
fn a_batch_leaves_when_it_is_full_or_has_lingered() {
    let mut gathered = gathering(400, 10);
    let added = gathered.add(&partition(0), &value(100), 1, 0);
    assert_eq!(added, Added { begun: true, full: false }, "the sender must learn when it is due");
    let added = gathered.add(&partition(0), &value(10), 1, 0);
    assert_eq!(added, Added { begun: false, full: false });
    assert!(gathered.take_due(9).is_empty());
    assert_eq!(gathered.next_due(), Some(10));
    let taken = gathered.take_due(10).remove(0);
    assert!(!gathered.is_empty(), "it is on its way");
    gathered.settle(&taken);
    assert!(gathered.is_empty() && gathered.bytes() == 0);

    assert!(!gathered.add(&partition(0), &value(200), 2, 20).full);
    assert!(gathered.add(&partition(0), &value(200), 3, 20).full, "no room for a second one");
    let first = gathered.take_due(20);
    assert_eq!(first[0].waiting, [2]);
    assert!(gathered.take_due(20).is_empty(), "the second batch lingers");
    assert_eq!(gathered.take_all(20)[0].waiting, [3]);
}

#[test]
fn what_failed_goes_again_first_and_not_too_early() {
    let mut gathered = gathering(100, 0);
    gathered.add(&partition(0), &value(80), 1, 0);
    gathered.add(&partition(0), &value(80), 2, 0);
    let first = gathered.take_due(0).remove(0);
    assert_eq!(first.waiting, [1]);
    gathered.put_back(first, 50);
    assert!(gathered.take_all(49).is_empty(), "nor may what came after it overtake");
    assert_eq!(gathered.take_due(50)[0].waiting, [1]);
    assert_eq!(gathered.take_due(50)[0].waiting, [2]);
}
