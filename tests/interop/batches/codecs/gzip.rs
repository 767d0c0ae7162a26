//! Gzip (RFC 1952): members with every flag, stored blocks, trailers that are wrong or missing, and what may follow.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::Maker;

const FTEXT: u8 = 1;
const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;

const ODD: [&str; 25] = [
    "gzip-stored",
    "gzip-two-members",
    "gzip-empty-member-after",
    "gzip-empty-member-before",
    "gzip-noise-after",
    "gzip-zeros-after",
    "gzip-fname",
    "gzip-fextra",
    "gzip-fcomment",
    "gzip-fhcrc",
    "gzip-fhcrc-wrong",
    "gzip-ftext",
    "gzip-reserved-flag",
    "gzip-method",
    "gzip-magic",
    "gzip-crc-wrong",
    "gzip-size-wrong",
    "gzip-trailer-short",
    "gzip-body-short",
    "gzip-header-short",
    "gzip-second-member-broken",
    "gzip-second-header-short",
    "gzip-body-flip",
    "gzip-nothing",
    "gzip-every-flag",
];

struct Member {
    magic: [u8; 2],
    method: u8,
    flags: u8,
    header_crc_is_wrong: bool,
    level: u32,
}

impl Default for Member {
    fn default() -> Self {
        Self { magic: [0x1f, 0x8b], method: 8, flags: 0, header_crc_is_wrong: false, level: 6 }
    }
}

impl Member {
    fn flagged(flags: u8) -> Self {
        Self { flags, ..Self::default() }
    }

    fn header(&self) -> Vec<u8> {
        let mut header = vec![self.magic[0], self.magic[1], self.method, self.flags, 0, 0, 0, 0, 0, 0];
        if self.flags & FEXTRA != 0 {
            header.extend([5, 0, b'A', b'B', 1, 0, 9]);
        }
        if self.flags & FNAME != 0 {
            header.extend(b"name\0");
        }
        if self.flags & FCOMMENT != 0 {
            header.extend(b"comment\0");
        }
        if self.flags & FHCRC != 0 {
            let mut crc = Crc::new();
            crc.update(&header);
            let wrong = u16::from(self.header_crc_is_wrong);
            header.extend((crc.sum() as u16 ^ wrong).to_le_bytes());
        }
        header
    }

    fn around(&self, plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(self.level));
        encoder.write_all(plain).unwrap();
        let mut crc = Crc::new();
        crc.update(plain);
        let trailer = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
        [self.header(), encoder.finish().unwrap(), trailer].concat()
    }
}

/// The stream of these bytes.
pub fn pack(plain: &[u8], odd: bool, maker: &mut Maker) -> Vec<u8> {
    let plainly = Member::default().around(plain);
    if !odd {
        return plainly;
    }
    let name = *maker.one(&ODD);
    maker.note(name);
    let mut packed = plainly;
    let (length, at) = (packed.len(), maker.rng.usize(..=plain.len()));
    match name {
        "gzip-stored" => packed = Member { level: 0, ..Member::default() }.around(plain),
        "gzip-two-members" => {
            packed = [&plain[..at], &plain[at..]].map(|part| Member::default().around(part)).concat();
        }
        "gzip-empty-member-after" => packed.extend(Member::default().around(&[])),
        "gzip-empty-member-before" => packed = [Member::default().around(&[]), packed].concat(),
        "gzip-noise-after" => {
            let count = maker.rng.usize(1..30);
            packed.extend(maker.noise(count));
        }
        "gzip-zeros-after" => packed.extend(vec![0; maker.rng.usize(1..30)]),
        "gzip-fname" => packed = Member::flagged(FNAME).around(plain),
        "gzip-fextra" => packed = Member::flagged(FEXTRA).around(plain),
        "gzip-fcomment" => packed = Member::flagged(FCOMMENT).around(plain),
        "gzip-fhcrc" => packed = Member::flagged(FHCRC).around(plain),
        "gzip-fhcrc-wrong" => {
            packed = Member { header_crc_is_wrong: true, ..Member::flagged(FHCRC) }.around(plain);
        }
        "gzip-ftext" => packed = Member::flagged(FTEXT).around(plain),
        "gzip-every-flag" => {
            packed = Member::flagged(FTEXT | FHCRC | FEXTRA | FNAME | FCOMMENT).around(plain)
        }
        "gzip-reserved-flag" => packed[3] |= *maker.one(&[0x20, 0x40, 0x80, 0xe0]),
        "gzip-method" => packed[2] = *maker.one(&[0, 7, 9, 0xff]),
        "gzip-magic" => maker.flip(&mut packed[..2]),
        "gzip-crc-wrong" => maker.flip(&mut packed[length - 8..length - 4]),
        "gzip-size-wrong" => maker.flip(&mut packed[length - 4..]),
        "gzip-trailer-short" => packed.truncate(length - maker.rng.usize(1..=8)),
        "gzip-body-short" => packed.truncate(maker.rng.usize(10..=length - 8)),
        "gzip-header-short" => packed.truncate(maker.rng.usize(..10)),
        "gzip-second-member-broken" => {
            let mut second = Member::default().around(b"more");
            maker.flip(&mut second);
            packed.extend(second);
        }
        "gzip-second-header-short" => {
            let second = Member::default().around(b"more");
            packed.extend(&second[..maker.rng.usize(1..second.len())]);
        }
        "gzip-body-flip" => maker.flip(&mut packed[10..length - 8]),
        _ => packed.clear(),
    }
    packed
}
