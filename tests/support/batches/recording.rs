//! Cases and what Kafka 2.7.2 answered, in a file of lines that is compressed as a whole.
//!
//! `@` the time of the recording in milliseconds · `#` a topic, its partitions and its configs · `=` a
//! partition's cases begin · `-` a case, by what is odd about it · else a request and the answer, in
//! hexadecimal digits, or `closed`, or `nothing`.

use std::io::Write;
use std::path::Path;

use super::exchange::Came;

/// A topic of a recording.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Its configs.
    pub configs: Vec<(String, String)>,
}

/// A case of a recording: what is odd about it, and what came to each of its requests.
pub struct Case {
    /// What is odd about it.
    pub label: String,
    /// Requests without their lengths, and what came.
    pub exchanges: Vec<(Vec<u8>, Came)>,
}

/// What Kafka was asked and answered.
#[derive(Default)]
pub struct Recording {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// Topics.
    pub topics: Vec<Topic>,
    /// Cases, partition by partition, each in order.
    pub chunks: Vec<Vec<Case>>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

impl Recording {
    /// Writes it to a file.
    pub fn write(&self, path: &Path) {
        let file = std::fs::File::create(path).unwrap();
        let mut out = zstd::Encoder::new(file, 19).unwrap();
        out.long_distance_matching(true).unwrap();
        writeln!(out, "@{}", self.time).unwrap();
        for topic in &self.topics {
            let configs = topic.configs.iter().map(|(key, value)| format!(" {key}={value}"));
            writeln!(out, "#{} {}{}", topic.name, topic.partitions, configs.collect::<String>()).unwrap();
        }
        for chunk in &self.chunks {
            writeln!(out, "=").unwrap();
            for case in chunk {
                writeln!(out, "-{}", case.label).unwrap();
                for (request, came) in &case.exchanges {
                    let came = match came {
                        Came::Answer(answer) => hex(answer),
                        Came::Closed => "closed".to_owned(),
                        Came::Nothing => "nothing".to_owned(),
                    };
                    writeln!(out, "{} {came}", hex(request)).unwrap();
                }
            }
        }
        out.finish().unwrap();
    }

    /// Reads it from a file's bytes.
    pub fn read(file: &[u8]) -> Self {
        let text = String::from_utf8(zstd::decode_all(file).unwrap()).unwrap();
        let mut recording = Self::default();
        for line in text.lines() {
            match line.split_at(1) {
                ("@", time) => recording.time = time.parse().unwrap(),
                ("#", topic) => recording.topics.push(Topic::read(topic)),
                ("=", _) => recording.chunks.push(Vec::new()),
                ("-", label) => {
                    let case = Case { label: label.to_owned(), exchanges: Vec::new() };
                    recording.chunks.last_mut().unwrap().push(case);
                }
                _ => {
                    let (request, came) = line.split_once(' ').unwrap();
                    let came = match came {
                        "closed" => Came::Closed,
                        "nothing" => Came::Nothing,
                        answer => Came::Answer(from_hex(answer)),
                    };
                    let case = recording.chunks.last_mut().unwrap().last_mut().unwrap();
                    case.exchanges.push((from_hex(request), came));
                }
            }
        }
        recording
    }
}

impl Topic {
    fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let (name, partitions) = (words.next().unwrap().to_owned(), words.next().unwrap().parse().unwrap());
        let config = |word: &str| {
            let (key, value) = word.split_once('=').unwrap();
            (key.to_owned(), value.to_owned())
        };
        Self { name, partitions, configs: words.map(config).collect() }
    }
}
