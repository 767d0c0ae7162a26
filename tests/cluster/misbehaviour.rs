//! Clients that misbehave do not harm other clients: stuck ones, noisy ones, and too many of them.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use barnabas::base::Records;
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::compression::Compression;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::connections::{Client, LIMIT, fetch, long_poll, make_topic, request};
use crate::support::{Broker, Chroot, Connection, eventually};

#[test]
fn stuck_clients_do_not_harm_other_clients() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("queued.max.requests", "1")]);
    make_topic(&broker, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    let megabyte = "x".repeat(900_000);
    for _ in 0..8 {
        connection.produce("t", &megabyte, 1).unwrap().unwrap();
    }
    let before = resident(&broker);
    let mut stuck = Vec::new();
    for _ in 0..20 {
        // Announces a hundred megabytes and sends a few bytes of them.
        let mut half = Client::to(broker.port);
        half.send(&(100_i32 << 20).to_be_bytes());
        half.send(&[0; 100]);
        // Asks for eight megabytes, many times, and reads none of them.
        let mut deaf = Client::to(broker.port);
        for number in 0..50 {
            deaf.send(&request(11, number, &fetch("t", 1, 8 << 20, 0)));
        }
        // Waits for what does not come.
        let mut waiting = Client::to(broker.port);
        waiting.send(&request(11, 1, &long_poll("t", i32::MAX)));
        stuck.extend([half, deaf, waiting]);
    }
    for _ in 0..50 {
        connection.produce("t", "value", -1).expect("is served").expect("is taken");
        assert!(Client::to(broker.port).is_served());
    }
    let grown = resident(&broker).saturating_sub(before);
    assert!(grown < 64 << 20, "60 stuck clients hold {grown} bytes");
}

/// The memory that a broker's process has, in bytes.
pub fn resident(broker: &Broker) -> u64 {
    status(broker, "VmRSS:")
}

/// What the system reports of a broker's process, in bytes.
fn status(broker: &Broker, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", broker.process().id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn converted_records_stand_in_memory_a_chunk_at_a_time() {
    const SIZE: i32 = 50 << 20;
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    for _ in 0..60 {
        connection.produce("t", &"x".repeat(900_000), 1).unwrap().unwrap();
    }
    let before = status(&broker, "VmHWM:");
    let mut deaf = Client::to(broker.port);
    for number in 0..20 {
        deaf.send(&request(3, number, &fetch("t", 1, SIZE, 0)));
    }
    // The first answer comes whole; of the others the broker makes as much as it is ready to hold for a
    // client that reads no further.
    let mut length = [0; 4];
    deaf.0.read_exact(&mut length).unwrap();
    let mut rest = (&deaf.0).take(u64::from(u32::from_be_bytes(length)));
    let read = std::io::copy(&mut rest, &mut std::io::sink()).unwrap();
    assert!(read > SIZE as u64, "{read} bytes are all that was asked for");
    assert!(Client::to(broker.port).is_served());
    let grown = status(&broker, "VmHWM:").saturating_sub(before);
    assert!(grown < 32 << 20, "20 answers of 50 MiB took up to {grown} bytes");
}

#[test]
fn a_batch_is_converted_without_standing_in_memory_unpacked() {
    const COUNT: usize = 200;
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut connection = Connection::to(broker.port).unwrap().with_patience(Duration::from_secs(60));
    let mut builder = BatchBuilder::new().compression(Compression::Gzip);
    let now = barnabas::base::Clock::System.now();
    (0..COUNT).for_each(|_| builder.push(now, None, Some(&[0; 1 << 20]), &[]));
    let records = Some(Records::Memory(builder.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index: 0, records }];
    let topics = vec![TopicProduceData { name: "t".to_owned(), partitions }];
    let request = ProduceRequest { acks: 1, timeout_ms: 60_000, topics, transactional_id: None };
    let answer = connection.call(&request, 7).unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
    let before = status(&broker, "VmHWM:");
    let answer = connection.call(&fetch("t", 1, 1 << 20, 0), 3).unwrap();
    let records = answer.responses[0].partition_responses[0].record_set.as_ref().unwrap().read().unwrap();
    let wrapper = Batch::parse(&records).unwrap();
    wrapper.check_crc().unwrap();
    assert_eq!((wrapper.header().magic, wrapper.header().base_offset), (1, COUNT as i64 - 1));
    let grown = status(&broker, "VmHWM:").saturating_sub(before);
    assert!(grown < 32 << 20, "{COUNT} MiB took up to {grown} bytes");
}

#[test]
fn a_connection_that_was_used_costs_no_more_than_one_that_was_not() {
    const COUNT: u64 = 1000;
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    connection.produce("t", "value", 1).unwrap().unwrap();
    // The first ones warm up what all of them share.
    let open = |count| -> Vec<Client> { (0..count).map(|_| Client::to(broker.port)).collect() };
    let use_all = |clients: &mut Vec<Client>| {
        for client in clients.iter_mut() {
            assert!(client.is_served());
            let fetch = request(11, 1, &fetch("t", 1, 1 << 20, 0));
            client.send(&fetch);
            let mut length = [0; 4];
            client.0.read_exact(&mut length).unwrap();
            client.0.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize]).unwrap();
        }
    };
    let mut warm = open(100);
    use_all(&mut warm);
    let before = resident(&broker);
    let mut clients = open(COUNT);
    use_all(&mut clients);
    let each = resident(&broker).saturating_sub(before) / COUNT;
    println!("{each} bytes a connection");
    assert!(each < 16 << 10, "{each} bytes a connection");
}

#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    broker.limit_open_files("-S -n 128");
    broker.restart();
    broker.process().wait_for_line("(soft limit at start 128)", LIMIT);
    let mut clients: Vec<_> = (0..200).map(|_| Client::to(broker.port)).collect();
    assert!(clients.iter_mut().all(Client::is_served));
}

#[test]
fn connections_are_turned_away_before_logs_run_out_of_files() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    broker.limit_open_files("-n 200");
    broker.restart();
    let mut witness = Connection::to(broker.port).unwrap();
    let mut clients = Vec::new();
    // Half of what is not kept for other things is for connections; the broker has a few to itself.
    let refused = eventually("one is turned away", LIMIT, || {
        let mut client = Client::to(broker.port);
        if client.is_served() {
            clients.push(client);
            return None;
        }
        Some(client)
    });
    drop(refused);
    let line = "the open file limit has room for 84 connections, and all are in use.";
    broker.process().wait_for_line(line, LIMIT);
    assert!((70..84).contains(&clients.len()), "{}", clients.len());
    assert!(clients.iter_mut().all(Client::is_served), "those that are there are served on");
    for number in 0..8 {
        let topic = format!("t-{number}");
        eventually("a log is made", LIMIT, || witness.has_leader(&topic)?.then_some(()));
    }
    assert!(!broker.process().lines().iter().any(|line| line.contains("Too many open files")));
}

#[test]
fn a_broker_that_runs_out_of_file_descriptors_accepts_again_when_it_has_some() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut before = Client::to(broker.port);
    assert!(before.is_served());
    limit_files(&broker, 8);
    let mut more = [Client::to(broker.port)];
    broker.process().wait_for_line("Error while accepting connection", LIMIT);
    assert!(before.is_served(), "connections that are open already are still served");
    limit_files(&broker, 1024);
    assert!(more.iter_mut().all(Client::is_served));
    assert!(Client::to(broker.port).is_served());
}

/// Lets a broker open files up to this number.
fn limit_files(broker: &Broker, number: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = Pid::from_raw(i32::try_from(broker.process().id()).unwrap());
    let limit = Rlimit { current: Some(number), maximum: Some(1024) };
    prlimit(pid, Resource::Nofile, limit).expect("a lower limit is always allowed");
}

#[test]
fn noise_ends_its_own_connection_alone_and_is_logged() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut witness = Connection::to(broker.port).unwrap();
    let before = resident(&broker);
    let mut rng = fastrand::Rng::with_seed(0x0ba7_0153);
    for round in 0..300 {
        let lines = broker.process().lines().len();
        let mut noise: Vec<u8> = (0..rng.usize(10..2_000)).map(|_| rng.u8(..)).collect();
        // Half of it is a frame of the right length, of which two thirds name an API that there is.
        if round % 2 == 0 {
            let length = u32::try_from(noise.len() - 4).unwrap();
            noise[..4].copy_from_slice(&length.to_be_bytes());
            if round % 3 > 0 {
                noise[4..8].copy_from_slice(&[0, rng.u8(..23), 0, rng.u8(..13)]);
            }
        } else {
            noise[0] |= 0x80;
        }
        let mut client = Client::to(broker.port);
        let _ = client.0.write_all(&noise);
        let _ = client.0.shutdown(Shutdown::Write);
        let mut answers = Vec::new();
        let _ = client.0.read_to_end(&mut answers);
        if answers.is_empty() {
            broker.process().wait_for_line_after(lines, "losing", LIMIT);
        }
        assert_eq!(witness.produce("t", "value", -1), Some(Ok(round)), "the others are served on");
    }
    let grown = resident(&broker).saturating_sub(before);
    assert!(grown < 32 << 20, "noise left {grown} bytes");
}
