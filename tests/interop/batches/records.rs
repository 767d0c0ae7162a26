//! Records of format 2 and what may be odd about them.

use super::maker::{Focus, Maker};

/// The key and the value of a header.
type Header = (Option<Vec<u8>>, Option<Vec<u8>>);

/// A record of format 2; its length fields may be wrong.
#[derive(Clone, Debug, Default)]
struct Record {
    attributes: u8,
    timestamp_delta: i64,
    offset_delta: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<Header>,
    odd: Option<&'static str>,
}

/// What is odd about one record of a batch.
const ODD_RECORD: [&str; 26] = [
    "length+1",
    "length-1",
    "length-negative",
    "length-zero",
    "length-huge",
    "length-overlong",
    "length-6-bytes",
    "attributes",
    "timestamp-delta-huge",
    "timestamp-delta-negative",
    "timestamp-delta-overlong",
    "offset-delta-6-bytes",
    "key-length-negative",
    "key-length-beyond",
    "key-length-overlong",
    "value-length-negative",
    "value-length-beyond",
    "header-count-negative",
    "header-count-beyond",
    "header-count-short",
    "header-key-null",
    "header-key-beyond",
    "header-value-beyond",
    "header-key-not-utf8",
    "noise-behind",
    "body-short",
];
/// What is odd about all records of a batch.
const ODD_RECORDS: [&str; 12] = [
    "deltas-all-zero",
    "deltas-descend",
    "deltas-twice",
    "deltas-gap",
    "deltas-from-one",
    "deltas-negative",
    "records-end-early",
    "records-cut",
    "noise-after-records",
    "zeros-after-records",
    "no-keys",
    "timestamps-descend",
];

fn varint(value: i64) -> Vec<u8> {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

/// The same number in more bytes than it needs.
fn overlong(value: i64, length: usize) -> Vec<u8> {
    let mut bytes = varint(value);
    while bytes.len() < length {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(0);
    }
    bytes
}

fn sized(bytes: Option<&[u8]>) -> Vec<u8> {
    match bytes {
        None => varint(-1),
        Some(bytes) => [varint(bytes.len() as i64), bytes.to_vec()].concat(),
    }
}

impl Record {
    fn is(&self, odd: &str) -> bool {
        self.odd == Some(odd)
    }

    fn body(&self, maker: &mut Maker) -> Vec<u8> {
        let mut body = vec![self.attributes];
        body.extend(match self.odd {
            Some("timestamp-delta-overlong") => overlong(self.timestamp_delta, 10),
            _ => varint(self.timestamp_delta),
        });
        body.extend(match self.odd {
            Some("offset-delta-6-bytes") => overlong(self.offset_delta, 6),
            _ => varint(self.offset_delta),
        });
        let key = self.key.as_deref();
        body.extend(match self.odd {
            Some("key-length-negative") => varint(*maker.one(&[-2, -100, i64::from(i32::MIN)])),
            Some("key-length-beyond") => varint(*maker.one(&[1000, 1 << 20, i64::from(i32::MAX)])),
            Some("key-length-overlong") => {
                let key = key.unwrap_or_default();
                [overlong(key.len() as i64, 5), key.to_vec()].concat()
            }
            _ => sized(key),
        });
        body.extend(match self.odd {
            Some("value-length-negative") => varint(*maker.one(&[-2, -100, i64::from(i32::MIN)])),
            Some("value-length-beyond") => varint(*maker.one(&[1000, 1 << 20, i64::from(i32::MAX)])),
            _ => sized(self.value.as_deref()),
        });
        body.extend(self.headers(maker));
        if self.is("noise-behind") {
            let count = maker.rng.usize(1..10);
            body.extend(maker.noise(count));
        }
        if self.is("body-short") {
            body.truncate(maker.rng.usize(..body.len()));
        }
        body
    }

    fn headers(&self, maker: &mut Maker) -> Vec<u8> {
        let count = self.headers.len() as i64;
        let count = match self.odd {
            Some("header-count-negative") => *maker.one(&[-1, -2, i64::from(i32::MIN)]),
            Some("header-count-beyond") => count + *maker.one(&[1, 5, 1 << 20, i64::from(i32::MAX) - 10]),
            Some("header-count-short") => count - 1,
            _ => count,
        };
        let mut bytes = varint(count);
        for (at, (key, value)) in self.headers.iter().enumerate() {
            bytes.extend(match self.odd {
                Some("header-key-null") if at == 0 => varint(*maker.one(&[-1, -2])),
                Some("header-key-beyond") if at == 0 => varint(*maker.one(&[500, i64::from(i32::MAX)])),
                Some("header-key-not-utf8") if at == 0 => sized(Some(&[0xff, 0xfe, b'k'])),
                _ => sized(key.as_deref()),
            });
            bytes.extend(match self.odd {
                Some("header-value-beyond") if at == 0 => varint(*maker.one(&[500, i64::from(i32::MAX)])),
                _ => sized(value.as_deref()),
            });
        }
        bytes
    }

    fn bytes(&self, maker: &mut Maker) -> Vec<u8> {
        let body = self.body(maker);
        let length = body.len() as i64;
        let length = match self.odd {
            Some("length+1") => varint(length + maker.rng.i64(1..4)),
            Some("length-1") => varint(length - maker.rng.i64(1..4)),
            Some("length-negative") => varint(*maker.one(&[-1, -2, i64::from(i32::MIN)])),
            Some("length-zero") => varint(0),
            Some("length-huge") => varint(*maker.one(&[1 << 20, i64::from(i32::MAX)])),
            Some("length-overlong") => overlong(length, 5),
            Some("length-6-bytes") => overlong(length, 6),
            _ => varint(length),
        };
        [length, body].concat()
    }
}

/// Keys and values: absent, empty, short, compressible or not.
pub fn text(maker: &mut Maker) -> Option<Vec<u8>> {
    match maker.rng.u8(..12) {
        0 => None,
        1 => Some(Vec::new()),
        2 => Some(vec![b'x'; maker.rng.usize(..2_000)]),
        3 => {
            let count = maker.rng.usize(..100);
            Some(maker.noise(count))
        }
        4 if maker.once_in(120) => Some(long(maker)),
        _ => Some(format!("value {}", maker.rng.u16(..)).into_bytes()),
    }
}

/// Lines that are alike: more than a block of any codec, and few bytes once they are packed.
fn long(maker: &mut Maker) -> Vec<u8> {
    let (length, from) = (maker.rng.usize(30_000..300_000), maker.rng.u16(..));
    let lines =
        (u64::from(from)..).flat_map(|number| format!("line {number} of a long value\n").into_bytes());
    lines.take(length).collect()
}

/// How many records a case has.
pub fn count(maker: &mut Maker) -> usize {
    match maker.rng.u8(..100) {
        0..5 => 0,
        5..40 => 1,
        40..85 => maker.rng.usize(2..6),
        85..99 => maker.rng.usize(6..50),
        _ => maker.rng.usize(300..2_500),
    }
}

/// Keys and values of so many records: of very many they are short.
pub fn text_of_one_in(count: usize, maker: &mut Maker) -> Option<Vec<u8>> {
    if count < 300 { text(maker) } else { maker.rng.bool().then(Vec::new) }
}

/// The records of a batch, and the fields of its header that describe them.
pub struct Body {
    /// The records one after the other.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub count: i32,
    /// The largest delta of an offset.
    pub last_delta: i32,
    /// The first record's timestamp.
    pub first: i64,
    /// The largest timestamp.
    pub max: i64,
}

/// Records with timestamps from this one on.
pub fn body(base: i64, maker: &mut Maker) -> Body {
    let count = count(maker);
    let mut records: Vec<_> = (0..count).map(|at| record(at, count, maker)).collect();
    let (mut after, mut is_cut) = (Vec::new(), false);
    if maker.is_odd(Focus::Record) && !records.is_empty() {
        if maker.rng.u8(..10) < 6 {
            let odd = *maker.one(&ODD_RECORD);
            maker.note(odd);
            let at = maker.rng.usize(..records.len());
            spoil(&mut records[at], odd, maker);
        } else {
            let odd = *maker.one(&ODD_RECORDS);
            maker.note(odd);
            after = spoil_all(&mut records, odd, maker);
            is_cut = odd == "records-cut";
        }
    }
    let written = records.iter().filter(|record| !record.is("left-out"));
    let mut bytes: Vec<u8> = written.flat_map(|record| record.bytes(maker)).collect();
    bytes.extend(after);
    if is_cut {
        bytes.truncate(maker.rng.usize(..bytes.len()));
    }
    let deltas = records.iter().map(|record| record.timestamp_delta);
    let last_delta = records.iter().map(|record| record.offset_delta).max().unwrap_or(0);
    Body {
        bytes,
        count: records.len() as i32,
        last_delta: last_delta as i32,
        first: base,
        max: base.wrapping_add(deltas.max().unwrap_or(0)),
    }
}

fn record(at: usize, count: usize, maker: &mut Maker) -> Record {
    let header = |maker: &mut Maker| (Some(format!("k{}", maker.rng.u8(..9)).into_bytes()), text(maker));
    let headers = if count < 300 && maker.once_in(4) { maker.rng.usize(1..4) } else { 0 };
    Record {
        timestamp_delta: at as i64 * 10,
        offset_delta: at as i64,
        key: text_of_one_in(count, maker),
        value: text_of_one_in(count, maker),
        headers: (0..headers).map(|_| header(maker)).collect(),
        ..Record::default()
    }
}

fn spoil(record: &mut Record, odd: &'static str, maker: &mut Maker) {
    record.odd = Some(odd);
    if odd.starts_with("header-") && record.headers.is_empty() {
        record.headers.push((Some(b"key".to_vec()), Some(b"value".to_vec())));
    }
    match odd {
        "attributes" => record.attributes = *maker.one(&[1, 8, 0x80, 0xff]),
        "timestamp-delta-huge" => {
            record.timestamp_delta = *maker.one(&[i64::MAX, i64::from(i32::MAX), 10_000_000_000_000]);
        }
        "timestamp-delta-negative" => {
            record.timestamp_delta = *maker.one(&[-1, -1_000_000, -3_000_000_000_000, i64::MIN]);
        }
        _ => {}
    }
}

/// Makes all records odd; what follows them.
fn spoil_all(records: &mut [Record], odd: &str, maker: &mut Maker) -> Vec<u8> {
    let count = records.len() as i64;
    let by = maker.rng.i64(1..4);
    for (at, record) in (0..).zip(records.iter_mut()) {
        match odd {
            "deltas-all-zero" => record.offset_delta = 0,
            "deltas-descend" => record.offset_delta = count - 1 - at,
            "deltas-twice" => record.offset_delta = at / 2,
            "deltas-gap" => record.offset_delta = at * 2,
            "deltas-from-one" => record.offset_delta = at + 1,
            "deltas-negative" => record.offset_delta = at - by,
            "no-keys" => record.key = None,
            "timestamps-descend" => record.timestamp_delta = -at * 1_000,
            _ => {}
        }
    }
    match odd {
        "noise-after-records" => {
            let count = maker.rng.usize(1..10);
            maker.noise(count)
        }
        "zeros-after-records" => vec![0; maker.rng.usize(1..10)],
        // The header will count one more.
        "records-end-early" => {
            if let Some(last) = records.last_mut() {
                last.odd = Some("left-out");
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}
