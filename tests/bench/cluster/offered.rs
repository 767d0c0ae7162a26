//! Producers that send when it is time, answered or not: what is slow cannot hide behind what waits for it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::frame;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

/// The version of Produce that is spoken.
const VERSION: i16 = 7;
/// Between two requests of one producer.
const INTERVAL: Duration = Duration::from_millis(30);
/// How long requests go that are not counted, and how long those that are.
const WARM_UP: Duration = Duration::from_secs(5);
const COUNTED: Duration = Duration::from_secs(20);

/// One producer: a connection of its own to the leader of a partition of its own.
#[derive(Clone, Debug)]
pub struct Producer {
    /// Where the leader listens on loopback.
    pub port: u16,
    /// The partition.
    pub partition: i32,
}

/// Has each producer send a batch of so many records of a kibibyte every 30 ms with acks=all; how long each
/// request took from the moment it was due until it was acknowledged, in milliseconds, the shortest first.
pub fn latencies(producers: &[Producer], topic: &str, records: u64) -> Vec<f64> {
    let begin = Instant::now() + INTERVAL;
    let running: Vec<_> = (0u32..)
        .zip(producers)
        .map(|(at, producer)| {
            let frame = request(topic, producer.partition, records);
            let stream = TcpStream::connect(("127.0.0.1", producer.port)).unwrap();
            // Not all at the same moment.
            let begin = begin + INTERVAL * at / u32::try_from(producers.len()).unwrap();
            thread::spawn(move || send(stream, &frame, begin))
        })
        .collect();
    let mut all: Vec<f64> = running.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn request(topic: &str, partition_index: i32, records: u64) -> Bytes {
    let mut random = fastrand::Rng::with_seed(7);
    let mut batch = BatchBuilder::new();
    for _ in 0..records {
        let value: Vec<_> = (0..1024).map(|_| random.u8(b'A'..=b'Z')).collect();
        batch.push(Clock::System.now(), None, Some(&value), &[]);
    }
    let records = Some(Records::Memory(batch.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index, records }];
    let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
    let request = ProduceRequest { acks: -1, timeout_ms: 30_000, topics, transactional_id: None };
    let pieces = frame::request::<ProduceRequest>(VERSION, 1, Some("offered"), &request).unwrap();
    pieces.iter().flat_map(|piece| piece.read().unwrap()).collect()
}

/// Sends the frame again and again from `begin` on; how long each of those that count took.
fn send(mut stream: TcpStream, frame: &[u8], begin: Instant) -> Vec<f64> {
    stream.set_nodelay(true).unwrap();
    let mut answers = stream.try_clone().unwrap();
    let (sent, due) = mpsc::channel::<Instant>();
    let reader = thread::spawn(move || {
        let took = due.into_iter().map(|due| {
            read_answer(&mut answers);
            due.elapsed().as_secs_f64() * 1e3
        });
        took.collect::<Vec<_>>()
    });
    let requests = |time: Duration| (time.as_millis() / INTERVAL.as_millis()) as u32;
    for at in 0..requests(WARM_UP + COUNTED) {
        let due = begin + INTERVAL * at;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(frame).unwrap();
        sent.send(due).unwrap();
    }
    drop(sent);
    reader.join().unwrap().split_off(requests(WARM_UP) as usize)
}

fn read_answer(stream: &mut TcpStream) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    let (_, answer) = frame::read_response::<ProduceRequest>(Bytes::from(answer), VERSION).unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, 0, "{answer:?}");
}
