//! Batches of format 2, with headers that may not be true.

use super::codecs;
use super::maker::{Focus, Maker};
use super::records;
use crate::support::batches::codec::Codec;

const ODD: [&str; 38] = [
    "max-timestamp-zero",
    "max-timestamp-none",
    "max-timestamp-largest",
    "max-timestamp-off",
    "max-timestamp-below-none",
    "first-timestamp-off",
    "first-timestamp-none",
    "first-timestamp-largest",
    "count+1",
    "count-1",
    "count-and-delta+1",
    "count-and-delta-huge",
    "count-negative",
    "count-zero",
    "last-delta+1",
    "last-delta-1",
    "last-delta-negative",
    "last-delta-huge",
    "codec-other",
    "codec-unknown",
    "log-append-time",
    "control",
    "transactional",
    "transactional-control",
    "attributes-unused",
    "producer",
    "producer-no-sequence",
    "producer-no-epoch",
    "producer-sequence-gap",
    "epoch-without-producer",
    "base-offset",
    "base-offset-negative",
    "leader-epoch",
    "magic",
    "length+",
    "length-",
    "length-tiny",
    "checksum",
];

struct Header {
    base_offset: i64,
    length_off: i32,
    leader_epoch: i32,
    magic: i8,
    attributes: i16,
    last_delta: i32,
    first_timestamp: i64,
    max_timestamp: i64,
    producer_id: i64,
    producer_epoch: i16,
    sequence: i32,
    count: i32,
    wrong_checksum: bool,
}

impl Header {
    fn before(&self, payload: &[u8]) -> Vec<u8> {
        let mut checked = self.attributes.to_be_bytes().to_vec();
        checked.extend(self.last_delta.to_be_bytes());
        checked.extend(self.first_timestamp.to_be_bytes());
        checked.extend(self.max_timestamp.to_be_bytes());
        checked.extend(self.producer_id.to_be_bytes());
        checked.extend(self.producer_epoch.to_be_bytes());
        checked.extend(self.sequence.to_be_bytes());
        checked.extend(self.count.to_be_bytes());
        checked.extend(payload);
        let length = (checked.len() as i32 + 9).wrapping_add(self.length_off);
        let checksum = crc32c::crc32c(&checked) ^ u32::from(self.wrong_checksum);
        let mut batch = self.base_offset.to_be_bytes().to_vec();
        batch.extend(length.to_be_bytes());
        batch.extend(self.leader_epoch.to_be_bytes());
        batch.push(self.magic as u8);
        batch.extend(checksum.to_be_bytes());
        batch.extend(checked);
        batch
    }

    fn spoil(&mut self, odd: &str, number: i64, maker: &mut Maker) {
        let producer = number / 40;
        match odd {
            "max-timestamp-zero" => self.max_timestamp = 0,
            "max-timestamp-none" => self.max_timestamp = -1,
            "max-timestamp-below-none" => self.max_timestamp = *maker.one(&[-2, i64::MIN]),
            "max-timestamp-largest" => self.max_timestamp = i64::MAX,
            "max-timestamp-off" => self.max_timestamp += *maker.one(&[-100_000, -1, 1, 100_000]),
            "first-timestamp-off" => self.first_timestamp += *maker.one(&[-100_000, -1, 1, 100_000]),
            "first-timestamp-none" => self.first_timestamp = *maker.one(&[-1, 0, -2]),
            "first-timestamp-largest" => self.first_timestamp = *maker.one(&[i64::MAX, i64::MIN]),
            "count+1" => self.count += *maker.one(&[1, 2, 1000]),
            "count-1" => self.count -= 1,
            "count-and-delta+1" => {
                let by = *maker.one(&[1, 2, 1000]);
                self.count += by;
                self.last_delta += by;
            }
            "count-and-delta-huge" => (self.count, self.last_delta) = (i32::MAX, i32::MAX - 1),
            "count-negative" => self.count = *maker.one(&[-1, i32::MIN]),
            "count-zero" => self.count = 0,
            "last-delta+1" => self.last_delta += *maker.one(&[1, 2, 1000]),
            "last-delta-1" => self.last_delta -= 1,
            "last-delta-negative" => self.last_delta = *maker.one(&[-1, -2, i32::MIN]),
            "last-delta-huge" => self.last_delta = i32::MAX,
            "codec-other" => self.attributes = self.attributes & !7 | maker.rng.i16(0..5),
            "codec-unknown" => self.attributes = self.attributes & !7 | maker.rng.i16(5..8),
            "log-append-time" => self.attributes |= 8,
            "control" => self.attributes |= 0x20,
            "attributes-unused" => self.attributes |= *maker.one(&[0x40, 0x100, i16::MIN]),
            "transactional" | "transactional-control" => {
                self.attributes |= if odd == "transactional" { 0x10 } else { 0x30 };
                (self.producer_id, self.producer_epoch, self.sequence) = (producer, 0, maker.rng.i32(0..2));
            }
            "producer" => {
                (self.producer_id, self.producer_epoch, self.sequence) = (producer, 0, maker.rng.i32(0..3));
            }
            "producer-sequence-gap" => {
                let sequence = *maker.one(&[5, i32::MAX, i32::MAX - 1]);
                (self.producer_id, self.producer_epoch, self.sequence) =
                    (producer, maker.rng.i16(0..3), sequence);
            }
            "producer-no-sequence" => {
                let sequence = *maker.one(&[-1, -2, i32::MIN]);
                (self.producer_id, self.producer_epoch, self.sequence) = (producer, 0, sequence);
            }
            "producer-no-epoch" => {
                let epoch = *maker.one(&[-1, -2, i16::MIN]);
                (self.producer_id, self.producer_epoch, self.sequence) = (producer, epoch, 0);
            }
            "epoch-without-producer" => {
                let id = *maker.one(&[-1, -2]);
                (self.producer_id, self.producer_epoch, self.sequence) =
                    (id, maker.rng.i16(-1..2), maker.rng.i32(-1..2));
            }
            "base-offset" => self.base_offset = *maker.one(&[1, 1000, i64::MAX]),
            "base-offset-negative" => self.base_offset = *maker.one(&[-1, i64::MIN]),
            "leader-epoch" => self.leader_epoch = *maker.one(&[-2, 0, 7, i32::MAX]),
            "magic" => self.magic = *maker.one(&[0, 1, 3, -1, 127]),
            "length+" => self.length_off = *maker.one(&[1, 2, 100, 1 << 20]),
            "length-" => self.length_off = -*maker.one(&[1, 2, 10]),
            "length-tiny" => self.length_off = *maker.one(&[-1_000_000, i32::MIN]),
            _ => self.wrong_checksum = true,
        }
    }
}

/// A batch of this codec whose records are of this time on; `number` is the case's.
pub fn batch(codec: Codec, time: i64, number: i64, maker: &mut Maker) -> Vec<u8> {
    let body = records::body(time, maker);
    let payload = codecs::pack(codec, &body.bytes, false, maker);
    let mut header = Header {
        base_offset: 0,
        length_off: 0,
        leader_epoch: -1,
        magic: 2,
        attributes: i16::from(codec.id()),
        last_delta: body.last_delta,
        first_timestamp: body.first,
        max_timestamp: body.max,
        producer_id: -1,
        producer_epoch: -1,
        sequence: -1,
        count: body.count,
        wrong_checksum: false,
    };
    if maker.is_odd(Focus::Header) {
        let odd = *maker.one(&ODD);
        maker.note(odd);
        header.spoil(odd, number, maker);
    }
    header.before(&payload)
}
