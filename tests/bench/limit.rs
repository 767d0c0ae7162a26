//! The physical limit: a bare program that does only what any broker has to do with the same bytes.
//!
//! It receives them over loopback batch by batch, checksums, unpacks and walks each, writes it to a file, and
//! answers with its number; and it sends the file with sendfile, a mebibyte for each request, as a consumer
//! fetches. A process of its own, so that its CPU time is its own.
//!
//! What is physical of a broker's work, and so is done here too: an answer for each batch, without which no
//! producer goes on; and socket buffers of the size that `socket.receive.buffer.bytes` and
//! `socket.send.buffer.bytes` have by default, which both brokers give their sockets: with the system's own,
//! which grow to megabytes, the bytes would pass in far fewer pieces than a broker ever sees. The batches
//! come at the pace at which the producer sent them: between two of them a broker sleeps and is woken, which
//! for small batches costs as much as all else. What is not done here is what a broker may do cleverly or not
//! at all: offsets, indexes, finding what was asked for, waiting for several connections at once.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::memory;
use crate::unpack::Walker;

const ARGUMENT: &str = "--limit-program";
/// How many batches Java's producer has on their way at once.
const IN_FLIGHT: usize = 5;
/// What a broker gives its sockets by default, in bytes.
const SOCKET_BUFFERS: usize = 102_400;
/// What a consumer fetches of a partition at once, in bytes.
const FETCH: u64 = 1 << 20;
/// What stands before a batch's length, and the length itself, in bytes.
const BATCH_START: usize = 12;

/// How much is written at once, in bytes: more makes the system's cache take up memory that was not in use, which on a
/// virtual machine costs several times the copying.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// What the bare program took, in CPU seconds.
pub struct Least {
    /// To receive, checksum, unpack, walk and write.
    pub received: f64,
    /// To send.
    pub sent: f64,
}

/// Whether this process is to be the bare program.
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument == ARGUMENT)
}

/// The bare program: `--limit-program FILE`. Prints its port, serves one connection for receiving and one for
/// sending, and prints the CPU time of each.
pub fn run() {
    let path = std::env::args().skip_while(|argument| argument != ARGUMENT).nth(1).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Those of the listener are those of what it accepts.
    rustix::net::sockopt::set_socket_recv_buffer_size(&listener, SOCKET_BUFFERS).unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SOCKET_BUFFERS).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let begun = thread_seconds();
    receive(listener.accept().unwrap().0, Path::new(&path));
    let received = thread_seconds();
    println!("{}", received - begun);
    send(listener.accept().unwrap().0, Path::new(&path));
    println!("{}", thread_seconds() - received);
}

/// What this process's only thread has run so far, in seconds.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Batches, each with its length before it; each is answered with its number.
fn receive(mut stream: TcpStream, path: &Path) {
    stream.set_nodelay(true).unwrap();
    let mut file = File::create(path).unwrap();
    let (mut length, mut batch, mut number) = ([0; 4], Vec::new(), 0u64);
    let (mut sum, mut walker) = (0, Walker::new());
    while stream.read_exact(&mut length).is_ok() {
        batch.resize(u32::from_be_bytes(length) as usize, 0);
        stream.read_exact(&mut batch).unwrap();
        sum ^= crc32c::crc32c(&batch[21..]) as i64 ^ walker.walk(&batch);
        for run in batch.chunks(WRITTEN_AT_ONCE) {
            file.write_all(run).unwrap();
        }
        number += 1;
        stream.write_all(&number.to_be_bytes()).unwrap();
    }
    // The sum is not read; the compiler must not leave the loop out for that.
    std::hint::black_box(sum);
}

/// A mebibyte of the file for each byte that comes.
fn send(mut stream: TcpStream, path: &Path) {
    stream.set_nodelay(true).unwrap();
    let file = File::open(path).unwrap();
    let (size, mut offset) = (file.metadata().unwrap().len(), 0);
    while offset < size && stream.read_exact(&mut [0; 1]).is_ok() {
        let end = (offset + FETCH).min(size);
        while offset < end {
            let left = (end - offset) as usize;
            rustix::fs::sendfile(&stream, &file, Some(&mut offset), left).unwrap();
        }
    }
}

/// Has the bare program receive these segments within the time in which they were `produced`, and send them.
pub fn measure(segments: &[PathBuf], produced: Duration) -> Least {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("received");
    let sizes = segments.iter().map(|segment| segment.metadata().unwrap().len());
    let size = sizes.sum();
    memory::provide(directory.path(), size);
    let mut program = Command::new(std::env::current_exe().unwrap())
        .arg(ARGUMENT)
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(program.stdout.take().unwrap());
    let port = line(&mut output).parse().unwrap();
    hand_over(port, segments, &Pace::new(size, produced));
    let received = line(&mut output).parse().unwrap();
    take_back(port, file.metadata().unwrap().len());
    let sent = line(&mut output).parse().unwrap();
    assert!(program.wait().unwrap().success(), "the bare program failed");
    Least { received, sent }
}

fn line(output: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// When which byte is due, as a producer sent them.
struct Pace {
    begun: Instant,
    size: u64,
    lasts: Duration,
}

impl Pace {
    /// So many bytes from now on, evenly.
    fn new(size: u64, lasts: Duration) -> Self {
        Self { begun: Instant::now(), size, lasts }
    }

    /// Waits until the byte at this position is due.
    fn wait_for(&self, position: u64) {
        let due = self.lasts.mul_f64(position as f64 / self.size as f64);
        std::thread::sleep(due.saturating_sub(self.begun.elapsed()));
    }
}

/// Sends the segments' batches when they are due, and no more at once than a producer does.
fn hand_over(port: u16, segments: &[PathBuf], pace: &Pace) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut unanswered, mut position) = (0, 0);
    for segment in segments {
        let bytes = std::fs::read(segment).unwrap();
        let mut rest = &bytes[..];
        while rest.len() > BATCH_START {
            let length = u32::from_be_bytes(rest[8..BATCH_START].try_into().unwrap()) as usize;
            let (batch, after) = rest.split_at(BATCH_START + length);
            rest = after;
            pace.wait_for(position);
            position += batch.len() as u64;
            stream.write_all(&(batch.len() as u32).to_be_bytes()).unwrap();
            stream.write_all(batch).unwrap();
            unanswered += 1;
            if unanswered == IN_FLIGHT {
                stream.read_exact(&mut [0; 8]).unwrap();
                unanswered -= 1;
            }
        }
    }
    for _ in 0..unanswered {
        stream.read_exact(&mut [0; 8]).unwrap();
    }
}

/// Asks for the whole file, mebibyte by mebibyte.
fn take_back(port: u16, size: u64) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut buffer, mut left) = (vec![0; FETCH as usize], size);
    while left > 0 {
        stream.write_all(&[1]).unwrap();
        let next = left.min(FETCH) as usize;
        stream.read_exact(&mut buffer[..next]).unwrap();
        left -= next as u64;
    }
}
