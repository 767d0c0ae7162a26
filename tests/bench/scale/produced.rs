//! A producer with several requests on their way, and one that awaits each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::frame;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

/// The version of Produce that is spoken.
const VERSION: i16 = 7;
/// The bytes of a record's value.
const VALUE: usize = 1024;

/// A request that produces so many records of a kibibyte to a partition.
pub fn request(topic: &str, partition_index: i32, records: usize, acks: i16) -> Bytes {
    let mut random = fastrand::Rng::with_seed(7);
    let mut batch = BatchBuilder::new();
    for _ in 0..records {
        let value: Vec<_> = (0..VALUE).map(|_| random.u8(b'A'..=b'Z')).collect();
        batch.push(Clock::System.now(), None, Some(&value), &[]);
    }
    let records = Some(Records::Memory(batch.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index, records }];
    let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
    let request = ProduceRequest { acks, timeout_ms: 30_000, topics, transactional_id: None };
    let pieces = frame::request::<ProduceRequest>(VERSION, 1, Some("scale"), &request).unwrap();
    pieces.iter().flat_map(|piece| piece.read().unwrap()).collect()
}

/// Sends a request so often, with so many on their way at once; how long each took from when it was sent, in
/// milliseconds.
pub fn send(port: u16, request: &Bytes, count: usize, in_flight: usize) -> Vec<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answers = stream.try_clone().unwrap();
    // One more is on its way than the channel holds and its receiver has taken.
    let (sent, awaited) = mpsc::sync_channel::<Instant>(in_flight.saturating_sub(1));
    let (answered, free) = mpsc::channel();
    let reader = thread::spawn(move || {
        let took = awaited.into_iter().map(|sent| {
            read_answer(&mut answers);
            let _ = answered.send(()); // The last ones are not waited for.
            sent.elapsed().as_secs_f64() * 1e3
        });
        took.collect()
    });
    for at in 0..count {
        if at >= in_flight {
            free.recv().unwrap();
        }
        sent.send(Instant::now()).unwrap();
        stream.write_all(request).unwrap();
    }
    drop(sent);
    reader.join().unwrap()
}

fn read_answer(stream: &mut TcpStream) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    let (_, answer) = frame::read_response::<ProduceRequest>(Bytes::from(answer), VERSION).unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, 0, "{answer:?}");
}
