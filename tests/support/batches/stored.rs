//! Where batches that Kafka stored or sent differ from those of Barnabas.
//!
//! What a broker stamps with its own clock is made equal, and so is what it compresses itself: the libraries compress
//! differently, so that such batches are compared unpacked, without their lengths and checksums.

use super::codec::Codec;

/// Bits of attributes.
const LOG_APPEND_TIME: u8 = 8;
const CONTROL: u8 = 0x20;
/// The offset of what fills a down-converted answer up to the stored size.
const FILLING: [u8; 8] = [0xff; 8];
/// Where fields of format 2 lie.
pub(super) const MAGIC_AT: usize = 16;
pub(super) const HEADER: usize = 61;
/// How long before and after its middle a recording may have been made, in milliseconds.
const HOUR: i64 = 3_600_000;

/// When a broker answered.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub i64);

impl Clock {
    /// Whether a timestamp is of the broker's own clock.
    pub fn is_now(self, timestamp: i64) -> bool {
        (self.0 - HOUR..=self.0 + HOUR).contains(&timestamp)
    }
}

/// When both answered.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// When Kafka did.
    pub kafka: Clock,
    /// When Barnabas did.
    pub here: Clock,
}

/// A batch of format 2 or a message of an older one.
struct Entry<'a> {
    bytes: &'a [u8],
}

/// Whole entries, and the bytes behind the last of them.
fn split(bytes: &[u8]) -> (Vec<Entry<'_>>, &[u8]) {
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while let Some(length) = rest.get(8..12) {
        let length = i32::from_be_bytes(length.try_into().unwrap());
        let end = usize::try_from(length).map_or(usize::MAX, |length| length + 12);
        if end < 26 || end > rest.len() {
            break;
        }
        let (bytes, after) = rest.split_at(end);
        entries.push(Entry { bytes });
        rest = after;
    }
    (entries, rest)
}

/// The whole batches of a run.
pub(super) fn batches(bytes: &[u8]) -> Vec<&[u8]> {
    split(bytes).0.into_iter().map(|entry| entry.bytes).collect()
}

/// What differs between two runs of batches.
pub fn difference(kafka: &[u8], here: &[u8], clocks: Clocks) -> Option<String> {
    if kafka == here {
        return None;
    }
    let ((kafka_entries, kafka_rest), (here_entries, here_rest)) = (split(kafka), split(here));
    let mut is_packed = false;
    for (kafka, here) in kafka_entries.iter().zip(&here_entries) {
        is_packed |= kafka.bytes != here.bytes && kafka.codec() != Some(Codec::None);
        if let Some(found) = kafka.difference(here, clocks) {
            return Some(found);
        }
    }
    // Batches that the brokers packed themselves have other lengths, so that other ones follow up to a limit.
    let is_packed_part =
        |rest: &[u8]| attributes(rest).is_some_and(|it| Codec::named_by(it) != Some(Codec::None));
    let common = kafka_entries.len().min(here_entries.len());
    // Of the same batch one broker may send the whole where the other has to truncate it.
    let is_cut_here = |entries: &[Entry<'_>], rest: &[u8]| {
        entries.get(common).is_some_and(|entry| entry.codec() != Some(Codec::None)) && is_packed_part(rest)
    };
    if is_packed
        || is_packed_part(kafka_rest) && is_packed_part(here_rest)
        || is_cut_here(&kafka_entries, here_rest)
        || is_cut_here(&here_entries, kafka_rest)
    {
        return None;
    }
    let is_filling = |rest: &[u8]| rest.starts_with(&FILLING);
    if is_filling(kafka_rest) && kafka_entries.len() < here_entries.len() {
        return Some("batches here where Kafka fills up".to_owned());
    }
    let has_packed = kafka_entries.iter().any(|entry| entry.codec() != Some(Codec::None));
    if has_packed && is_filling(kafka_rest) && is_filling(here_rest) {
        return None; // The stored batches were packed to other lengths, though these are not.
    }
    if is_a_little_longer(kafka, here) || is_a_little_longer(here, kafka) {
        return Some("more or less is filled up".to_owned());
    }
    if kafka_entries.len() != here_entries.len() {
        return Some(match kafka_entries.len().cmp(&here_entries.len()) {
            std::cmp::Ordering::Less => "more batches here".to_owned(),
            _ => "fewer batches here".to_owned(),
        });
    }
    let is_stamped = attributes(kafka_rest).is_some_and(|it| it & (LOG_APPEND_TIME | CONTROL) != 0);
    let is_same = kafka_rest == here_rest
        || is_stamped && kafka_rest.len() == here_rest.len()
        || differ_before_attributes(kafka_rest, here_rest);
    match (is_same, is_filling(kafka_rest) && is_filling(here_rest)) {
        (true, _) => None,
        (false, true) => Some("more or less is filled up".to_owned()),
        (false, false) => Some("another part of a batch at the end".to_owned()),
    }
}

/// Whether an answer goes on where the other ends, by no more than what packing makes of the size of a batch.
fn is_a_little_longer(long: &[u8], short: &[u8]) -> bool {
    const MOST: usize = 64;
    long.starts_with(short) && (1..=MOST).contains(&(long.len() - short.len()))
}

/// Whether parts of batches, which end before their attributes, may be of those that the brokers packed or
/// stamped themselves: they differ in lengths and checksums alone.
fn differ_before_attributes(kafka: &[u8], here: &[u8]) -> bool {
    const LENGTH: std::ops::Range<usize> = 8..12;
    if kafka.len() != here.len() || attributes(kafka).is_some() || attributes(here).is_some() {
        return false;
    }
    let crc = if kafka.get(MAGIC_AT).is_some_and(|magic| *magic >= 2) { 17..21 } else { 12..16 };
    let differing = (0..kafka.len()).filter(|at| kafka[*at] != here[*at]);
    differing.into_iter().all(|at| LENGTH.contains(&at) || crc.contains(&at))
}

/// The lower attributes of a batch or message, which may end behind them.
pub(super) fn attributes(bytes: &[u8]) -> Option<u8> {
    let at = if *bytes.get(MAGIC_AT)? >= 2 { 22 } else { 17 };
    bytes.get(at).copied()
}

impl Entry<'_> {
    fn magic(&self) -> u8 {
        self.bytes[MAGIC_AT]
    }

    fn attributes(&self) -> u8 {
        attributes(self.bytes).unwrap_or_default()
    }

    fn codec(&self) -> Option<Codec> {
        Codec::named_by(self.attributes())
    }

    /// Whether its checksum is right.
    fn is_sound(&self) -> bool {
        if self.magic() >= 2 {
            self.bytes[17..21] == crc32c::crc32c(&self.bytes[21..]).to_be_bytes()
        } else {
            self.bytes[12..16] == crc32fast::hash(&self.bytes[16..]).to_be_bytes()
        }
    }

    /// The difference between Kafka's and this project's.
    fn difference(&self, here: &Self, clocks: Clocks) -> Option<String> {
        if self.bytes == here.bytes {
            return None;
        }
        if self.magic() != here.magic() {
            return Some(format!("format {} stored as {}", self.magic(), here.magic()));
        }
        if self.is_sound() && !here.is_sound() {
            return Some("a wrong checksum".to_owned());
        }
        if self.magic() >= 2 {
            self.difference_in_2(here, clocks)
        } else {
            self.difference_below_2(here, clocks)
        }
    }

    fn difference_in_2(&self, here: &Self, clocks: Clocks) -> Option<String> {
        const FIELDS: [(&str, usize, usize); 11] = [
            ("base offset", 0, 8),
            ("leader epoch", 12, 16),
            ("attributes", 21, 23),
            ("last offset delta", 23, 27),
            ("first timestamp", 27, 35),
            ("max timestamp", 35, 43),
            ("producer id", 43, 51),
            ("producer epoch", 51, 53),
            ("base sequence", 53, 57),
            ("record count", 57, 61),
            ("length", 8, 12),
        ];
        if self.bytes.len() < HEADER || here.bytes.len() < HEADER {
            return Some("a batch too short for its header".to_owned());
        }
        let is_stamped = self.attributes() & LOG_APPEND_TIME != 0;
        let is_marker = self.attributes() & CONTROL != 0;
        for (name, from, to) in FIELDS {
            let (kafka, here) = (&self.bytes[from..to], &here.bytes[from..to]);
            // A marker has the time at which its leader wrote it.
            let is_time = (name == "max timestamp" && is_stamped || name.ends_with("timestamp") && is_marker)
                && clocks.are_now(kafka, here);
            let may_differ = name == "length" && self.codec() != Some(Codec::None) || is_time;
            if kafka != here && !may_differ {
                return Some(format!("{name} of a batch"));
            }
        }
        self.difference_in_content(&self.bytes[HEADER..], &here.bytes[HEADER..], clocks)
    }

    /// What differs in records, which may be packed.
    fn difference_in_content(&self, kafka: &[u8], here: &[u8], clocks: Clocks) -> Option<String> {
        if kafka == here {
            return None;
        }
        let codec = self.codec()?;
        let unpacked = (codec != Codec::None).then(|| codec.unpack(kafka).zip(codec.unpack(here))).flatten();
        match unpacked {
            Some((kafka, here)) if kafka == here => None,
            Some((kafka, here)) if self.magic() < 2 => difference(&kafka, &here, clocks),
            Some(_) => Some("packed records".to_owned()),
            None => Some("records".to_owned()),
        }
    }

    fn difference_below_2(&self, here: &Self, clocks: Clocks) -> Option<String> {
        let differs = |from: usize, to: usize| self.bytes.get(from..to) != here.bytes.get(from..to);
        if differs(0, 8) {
            return Some("offset of a message".to_owned());
        }
        if differs(17, 18) {
            return Some("attributes of a message".to_owned());
        }
        let key_at = if self.magic() == 1 { 26 } else { 18 };
        if self.magic() == 1 && differs(18, 26) {
            let is_stamped = self.attributes() & LOG_APPEND_TIME != 0;
            if !(is_stamped && clocks.are_now(&self.bytes[18..26], &here.bytes[18..26])) {
                return Some("timestamp of a message".to_owned());
            }
        }
        let (kafka, here) = (self.bytes.get(key_at..), here.bytes.get(key_at..));
        if kafka == here {
            return None;
        }
        if self.codec() == Some(Codec::None) {
            return Some("key or value of a message".to_owned());
        }
        // A wrapper of the broker's own: no key, then the length of the value.
        match (kafka.and_then(|it| it.get(8..)), here.and_then(|it| it.get(8..))) {
            (Some(kafka), Some(here)) => self.difference_in_content(kafka, here, clocks),
            _ => Some("key or value of a wrapper".to_owned()),
        }
    }
}

impl Clocks {
    /// Whether two timestamps in bytes are of their brokers' clocks.
    fn are_now(self, kafka: &[u8], here: &[u8]) -> bool {
        let time = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap());
        self.kafka.is_now(time(kafka)) && self.here.is_now(time(here))
    }
}
