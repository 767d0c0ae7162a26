//! The ciphers of Java's that passwords are encrypted with.
//!
//! Pure. Kafka encrypts with any cipher that the Java runtime has and whose parameters are those of an initialization
//! vector or of GCM; its own tests have these six.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{Block, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::Aead;
use aes_gcm::aead::consts::U12;
use aes_gcm::{AesGcm, Nonce};
use cbc::{Decryptor, Encryptor};
use des::{Des, TdesEde3};

/// How many bits the tag has with which GCM authenticates what it encrypted.
pub(super) const TAG_BITS: u32 = 128;

/// A cipher, its mode and its padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    /// The default.
    AesCbc,
    AesCfb,
    AesOfb,
    AesGcm,
    DesCbc,
    DesEdeCbc,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::AesCbc, Self::AesCfb, Self::AesOfb, Self::AesGcm, Self::DesCbc, Self::DesEdeCbc];

    /// The cipher of this name, as Java has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Its name in Java.
    pub fn name(self) -> &'static str {
        match self {
            Self::AesCbc => "AES/CBC/PKCS5Padding",
            Self::AesCfb => "AES/CFB/PKCS5Padding",
            Self::AesOfb => "AES/OFB/PKCS5Padding",
            Self::AesGcm => "AES/GCM/NoPadding",
            Self::DesCbc => "DES/CBC/PKCS5Padding",
            Self::DesEdeCbc => "DESede/CBC/PKCS5Padding",
        }
    }

    /// Whether keys may have so many bytes.
    pub fn takes_key(self, bytes: usize) -> bool {
        match self {
            Self::AesCbc | Self::AesCfb | Self::AesOfb | Self::AesGcm => matches!(bytes, 16 | 24 | 32),
            Self::DesCbc => bytes == 8,
            Self::DesEdeCbc => bytes == 24,
        }
    }

    /// How many bytes the initialization vector has.
    pub fn iv_bytes(self) -> usize {
        match self {
            Self::AesCbc | Self::AesCfb | Self::AesOfb => 16,
            Self::AesGcm => 12,
            Self::DesCbc | Self::DesEdeCbc => 8,
        }
    }

    /// Encrypts a text; with GCM its tag follows. None for a key or vector of another length than the cipher has.
    pub fn encrypt(self, key: &[u8], iv: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        self.apply(key, iv, Work::Encrypt(text))
    }

    /// Decrypts what [`Cipher::encrypt`] gave. None for another key, and for damage as far as it shows.
    pub fn decrypt(self, key: &[u8], iv: &[u8], encrypted: &[u8]) -> Option<Vec<u8>> {
        self.apply(key, iv, Work::Decrypt(encrypted))
    }

    fn apply(self, key: &[u8], iv: &[u8], work: Work<'_>) -> Option<Vec<u8>> {
        match (self, key.len()) {
            (Self::AesCbc, 16) => in_cbc::<Encryptor<Aes128>, Decryptor<Aes128>>(key, iv, work),
            (Self::AesCbc, 24) => in_cbc::<Encryptor<Aes192>, Decryptor<Aes192>>(key, iv, work),
            (Self::AesCbc, 32) => in_cbc::<Encryptor<Aes256>, Decryptor<Aes256>>(key, iv, work),
            (Self::DesCbc, 8) => in_cbc::<Encryptor<Des>, Decryptor<Des>>(key, iv, work),
            (Self::DesEdeCbc, 24) => in_cbc::<Encryptor<TdesEde3>, Decryptor<TdesEde3>>(key, iv, work),
            (Self::AesCfb | Self::AesOfb, 16) => self.in_stream(&Aes128::new_from_slice(key).ok()?, iv, work),
            (Self::AesCfb | Self::AesOfb, 24) => self.in_stream(&Aes192::new_from_slice(key).ok()?, iv, work),
            (Self::AesCfb | Self::AesOfb, 32) => self.in_stream(&Aes256::new_from_slice(key).ok()?, iv, work),
            (Self::AesGcm, 16) => in_gcm(&AesGcm::<Aes128, U12>::new_from_slice(key).ok()?, iv, work),
            (Self::AesGcm, 24) => in_gcm(&AesGcm::<Aes192, U12>::new_from_slice(key).ok()?, iv, work),
            (Self::AesGcm, 32) => in_gcm(&AesGcm::<Aes256, U12>::new_from_slice(key).ok()?, iv, work),
            _ => None,
        }
    }

    /// CFB and OFB: the text, padded to whole blocks, is combined with blocks that the cipher makes of the block before
    /// it: of the encrypted text in CFB, of the block that was combined in OFB.
    fn in_stream<C: BlockCipherEncrypt>(self, cipher: &C, iv: &[u8], work: Work<'_>) -> Option<Vec<u8>> {
        let size = C::block_size();
        let (mut bytes, encrypts) = match work {
            Work::Encrypt(text) => (padded(text, size), true),
            Work::Decrypt(encrypted) => (encrypted.to_vec(), false),
        };
        let mut before = iv.to_vec();
        for block in bytes.chunks_exact_mut(size) {
            let mut key_stream = Block::<C>::try_from(before.as_slice()).ok()?;
            cipher.encrypt_block(&mut key_stream);
            let read = block.to_vec();
            block.iter_mut().zip(&key_stream).for_each(|(byte, key)| *byte ^= key);
            before = match (self, encrypts) {
                (Self::AesOfb, _) => key_stream.to_vec(),
                (_, true) => block.to_vec(),
                (_, false) => read,
            };
        }
        if encrypts { Some(bytes) } else { unpadded(bytes, size) }
    }
}

/// What is to be done with which bytes.
#[derive(Clone, Copy)]
enum Work<'a> {
    Encrypt(&'a [u8]),
    Decrypt(&'a [u8]),
}

fn in_cbc<E, D>(key: &[u8], iv: &[u8], work: Work<'_>) -> Option<Vec<u8>>
where
    E: KeyIvInit + BlockModeEncrypt,
    D: KeyIvInit + BlockModeDecrypt,
{
    match work {
        Work::Encrypt(text) => Some(E::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<Pkcs7>(text)),
        Work::Decrypt(encrypted) => {
            D::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(encrypted).ok()
        }
    }
}

fn in_gcm<C: Aead<NonceSize = U12>>(cipher: &C, iv: &[u8], work: Work<'_>) -> Option<Vec<u8>> {
    let nonce = Nonce::<U12>::try_from(iv).ok()?;
    match work {
        Work::Encrypt(text) => cipher.encrypt(&nonce, text).ok(),
        Work::Decrypt(encrypted) => cipher.decrypt(&nonce, encrypted).ok(),
    }
}

/// A text with one to `block` bytes behind it, each of which is their number, so that it fills whole blocks (PKCS #7).
fn padded(text: &[u8], block: usize) -> Vec<u8> {
    let added = block - text.len() % block;
    let mut bytes = text.to_vec();
    bytes.resize(text.len() + added, added as u8);
    bytes
}

/// The text that was padded; None where these are no whole blocks or end with no padding.
fn unpadded(mut bytes: Vec<u8>, block: usize) -> Option<Vec<u8>> {
    let added = usize::from(*bytes.last()?);
    let text = bytes.len().checked_sub(added)?;
    let is_sound = bytes.len().is_multiple_of(block)
        && (1..=block).contains(&added)
        && bytes[text..].iter().all(|byte| usize::from(*byte) == added);
    bytes.truncate(text);
    is_sound.then_some(bytes)
}
