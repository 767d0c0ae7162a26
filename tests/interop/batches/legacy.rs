//! Message sets of formats 0 and 1: single messages, wrappers around compressed ones, and what may be odd about both.

use super::codecs;
use super::maker::{Focus, Maker};
use super::records::{count, text_of_one_in};
use crate::support::batches::codec::Codec;

/// A message; its length fields may be wrong.
#[derive(Clone, Debug)]
struct Message {
    offset: i64,
    size_off: i32,
    magic: u8,
    attributes: u8,
    timestamp: i64,
    key: Option<Vec<u8>>,
    key_length: Option<i32>,
    value: Option<Vec<u8>>,
    value_length: Option<i32>,
    behind: Vec<u8>,
    wrong_checksum: bool,
}

const ODD_MESSAGE: [&str; 24] = [
    "message-size+",
    "message-size-",
    "message-size-tiny",
    "message-magic-other",
    "message-magic-unknown",
    "message-attributes",
    "message-log-append-time",
    "message-codec-inside",
    "message-timestamp-none",
    "message-timestamp-zero",
    "message-timestamp-negative",
    "message-timestamp-largest",
    "message-key-length-negative",
    "message-key-length-beyond",
    "message-value-length-negative",
    "message-value-length-beyond",
    "message-value-length-short",
    "message-noise-behind",
    "message-checksum",
    "message-offset-negative",
    "message-offset-twice",
    "message-offset-gap",
    "message-no-key",
    "message-half-after",
];
const ODD_WRAPPER: [&str; 22] = [
    "wrapper-key",
    "wrapper-value-null",
    "wrapper-value-empty",
    "wrapper-of-nothing",
    "wrapper-magic-other",
    "wrapper-inner-magic-other",
    "wrapper-nested",
    "wrapper-inner-absolute",
    "wrapper-inner-descending",
    "wrapper-inner-gaps",
    "wrapper-inner-zero",
    "wrapper-offset",
    "wrapper-offset-negative",
    "wrapper-timestamp-none",
    "wrapper-timestamp-zero",
    "wrapper-timestamp-largest",
    "wrapper-log-append-time",
    "wrapper-codec-other",
    "wrapper-codec-unknown",
    "wrapper-checksum",
    "wrapper-noise-inside",
    "wrapper-half-inside",
];

impl Message {
    fn new(magic: u8, offset: i64, timestamp: i64) -> Self {
        Self {
            offset,
            size_off: 0,
            magic,
            attributes: 0,
            timestamp,
            key: None,
            key_length: None,
            value: None,
            value_length: None,
            behind: Vec::new(),
            wrong_checksum: false,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut checked = vec![self.magic, self.attributes];
        if self.magic >= 1 {
            checked.extend(self.timestamp.to_be_bytes());
        }
        for (bytes, length) in [(&self.key, self.key_length), (&self.value, self.value_length)] {
            let true_length = bytes.as_ref().map_or(-1, |bytes| bytes.len() as i32);
            checked.extend(length.unwrap_or(true_length).to_be_bytes());
            checked.extend(bytes.iter().flatten());
        }
        checked.extend(&self.behind);
        let size = (checked.len() as i32 + 4).wrapping_add(self.size_off);
        let checksum = crc32fast::hash(&checked) ^ u32::from(self.wrong_checksum);
        let mut message = self.offset.to_be_bytes().to_vec();
        message.extend(size.to_be_bytes());
        message.extend(checksum.to_be_bytes());
        message.extend(checked);
        message
    }

    fn spoil(&mut self, odd: &str, maker: &mut Maker) {
        match odd {
            "message-size+" => self.size_off = *maker.one(&[1, 2, 100, 1 << 20]),
            "message-size-" => self.size_off = -*maker.one(&[1, 2, 10]),
            "message-size-tiny" => self.size_off = *maker.one(&[-1_000_000, i32::MIN]),
            "message-magic-other" => self.magic = 1 - self.magic,
            "message-magic-unknown" => self.magic = *maker.one(&[2, 3, 0xff]),
            "message-attributes" => self.attributes = *maker.one(&[0x10, 0x80, 0xf0]),
            "message-log-append-time" => self.attributes |= 8,
            "message-codec-inside" => self.attributes |= maker.rng.u8(1..8),
            "message-timestamp-none" => self.timestamp = -1,
            "message-timestamp-zero" => self.timestamp = 0,
            "message-timestamp-negative" => self.timestamp = *maker.one(&[-2, i64::MIN]),
            "message-timestamp-largest" => self.timestamp = i64::MAX,
            "message-key-length-negative" => self.key_length = Some(*maker.one(&[-2, i32::MIN])),
            "message-key-length-beyond" => self.key_length = Some(*maker.one(&[1000, i32::MAX])),
            "message-value-length-negative" => self.value_length = Some(*maker.one(&[-2, i32::MIN])),
            "message-value-length-beyond" => self.value_length = Some(*maker.one(&[1000, i32::MAX])),
            "message-value-length-short" => {
                let length = self.value.as_ref().map_or(0, Vec::len) as i32;
                self.value_length = Some((length - 1).max(0));
            }
            "message-noise-behind" => {
                let count = maker.rng.usize(1..10);
                self.behind = maker.noise(count);
            }
            "message-checksum" => self.wrong_checksum = true,
            "message-offset-negative" => self.offset = *maker.one(&[-1, i64::MIN]),
            "message-offset-twice" => self.offset -= 1,
            "message-offset-gap" => self.offset += *maker.one(&[5, 1 << 40]),
            _ => self.key = None,
        }
    }
}

fn joined(messages: &[Message]) -> Vec<u8> {
    messages.iter().flat_map(Message::bytes).collect()
}

fn messages(magic: u8, time: i64, maker: &mut Maker) -> Vec<Message> {
    let count = count(maker);
    let message = |at: usize| {
        let mut message = Message::new(magic, at as i64, time + at as i64 * 10);
        (message.key, message.value) = (text_of_one_in(count, maker), text_of_one_in(count, maker));
        message
    };
    (0..count).map(message).collect()
}

/// A set of messages in this format, compressed in one wrapper where there is a codec.
pub fn set(magic: u8, codec: Codec, time: i64, maker: &mut Maker) -> Vec<u8> {
    let mut inner = messages(magic, time, maker);
    let mut after = Vec::new();
    if maker.is_odd(Focus::Record) && !inner.is_empty() {
        let odd = *maker.one(&ODD_MESSAGE);
        maker.note(odd);
        let at = maker.rng.usize(..inner.len());
        if odd == "message-half-after" {
            let half = inner[at].bytes();
            after = half[..maker.rng.usize(1..half.len())].to_vec();
        } else {
            inner[at].spoil(odd, maker);
        }
    }
    if codec == Codec::None {
        let mut set = joined(&inner);
        set.extend(after);
        if maker.is_odd(Focus::Header) {
            maker.note("wrapper-behind-messages");
            let codec = *maker.one(&Codec::ALL[1..4]);
            set.extend(wrapper(magic, codec, messages(magic, time, maker), Vec::new(), None, maker));
        }
        return set;
    }
    let odd = maker.is_odd(Focus::Header).then(|| *maker.one(&ODD_WRAPPER));
    if let Some(odd) = odd {
        maker.note(odd);
    }
    wrapper(magic, codec, inner, after, odd, maker)
}

fn wrapper(
    magic: u8,
    codec: Codec,
    mut inner: Vec<Message>,
    after: Vec<u8>,
    odd: Option<&'static str>,
    maker: &mut Maker,
) -> Vec<u8> {
    let odd = odd.unwrap_or_default();
    let count = inner.len() as i64;
    for (at, message) in (0..).zip(&mut inner) {
        match odd {
            "wrapper-inner-magic-other" => message.magic = 1 - magic,
            "wrapper-inner-absolute" => message.offset = 1000 + at,
            "wrapper-inner-descending" => message.offset = count - 1 - at,
            "wrapper-inner-gaps" => message.offset = at * 3,
            "wrapper-inner-zero" => message.offset = 0,
            _ => {}
        }
    }
    let last = inner.last().map_or(0, |message| message.offset);
    let time = inner.iter().map(|message| message.timestamp).max().unwrap_or(-1);
    let mut content = [joined(&inner), after].concat();
    match odd {
        "wrapper-nested" => {
            let nested = codecs::pack(codec, &content, magic == 0, maker);
            let mut around = Message::new(magic, last, time);
            (around.attributes, around.value) = (codec.id(), Some(nested));
            content = around.bytes();
        }
        "wrapper-noise-inside" => {
            let count = maker.rng.usize(1..30);
            content.extend(maker.noise(count));
        }
        "wrapper-half-inside" if !content.is_empty() => content.truncate(maker.rng.usize(..content.len())),
        "wrapper-of-nothing" => content.clear(),
        _ => {}
    }
    let magic = if odd == "wrapper-magic-other" { 1 - magic } else { magic };
    let mut wrapper = Message::new(magic, last, time);
    wrapper.attributes = codec.id();
    wrapper.value = Some(codecs::pack(codec, &content, magic == 0, maker));
    match odd {
        "wrapper-key" => wrapper.key = Some(b"key".to_vec()),
        "wrapper-value-null" => wrapper.value = None,
        "wrapper-value-empty" => wrapper.value = Some(Vec::new()),
        "wrapper-offset" => wrapper.offset = *maker.one(&[0, 1000, last + 1, i64::MAX]),
        "wrapper-offset-negative" => wrapper.offset = *maker.one(&[-1, i64::MIN]),
        "wrapper-timestamp-none" => wrapper.timestamp = -1,
        "wrapper-timestamp-zero" => wrapper.timestamp = 0,
        "wrapper-timestamp-largest" => wrapper.timestamp = i64::MAX,
        "wrapper-log-append-time" => wrapper.attributes |= 8,
        "wrapper-codec-other" => wrapper.attributes = maker.rng.u8(0..5),
        "wrapper-codec-unknown" => wrapper.attributes = maker.rng.u8(5..8),
        "wrapper-checksum" => wrapper.wrong_checksum = true,
        _ => {}
    }
    wrapper.bytes()
}
