//! The four messages of an exchange (RFC 5802, section 7).
//!
//! Pure. Of the other side's extensions only their form is checked. Kafka: `ScramMessages`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The client's first message: its name, and a nonce.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    /// The name that the client wants to act under; empty for its own.
    pub authorization: &'a str,
    /// Its name, with `=2C` and `=3D` for the characters that the messages are made with.
    pub sasl_name: &'a str,
    pub nonce: &'a str,
    /// Whether the name is that of a delegation token (KIP-48).
    pub is_token: bool,
    /// The message behind the header that binds no channel.
    pub bare: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let rest = std::str::from_utf8(message).ok()?.strip_prefix("n,")?;
        let (authorization, bare) = rest.split_once(',')?;
        let authorization = match authorization {
            "" => "",
            given => given.strip_prefix("a=").filter(|name| is_sasl_name(name))?,
        };
        let (sasl_name, rest) = without_reserved(bare)?.strip_prefix("n=")?.split_once(',')?;
        let (nonce, extensions) = nonce_of(rest)?;
        (is_sasl_name(sasl_name) && are_extensions(extensions)).then_some(Self {
            authorization,
            sasl_name,
            nonce,
            is_token: extensions.split(',').any(|extension| extension.eq_ignore_ascii_case("tokenauth=true")),
            bare,
        })
    }
}

/// The server's first message: both nonces, and how the password is salted and hashed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    pub nonce: &'a str,
    pub salt: Vec<u8>,
    pub iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let text = without_reserved(std::str::from_utf8(message).ok()?)?;
        let (nonce, rest) = nonce_of(text)?;
        let (salt, rest) = rest.strip_prefix(",s=")?.split_once(",i=")?;
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let (iterations, extensions) = rest.split_at(digits);
        let (salt, iterations) = (STANDARD.decode(salt).ok()?, iterations.parse().ok()?);
        are_extensions(extensions).then_some(Self { nonce, salt, iterations })
    }
}

/// The client's final message: its proof.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    pub channel: Vec<u8>,
    pub nonce: &'a str,
    pub proof: Vec<u8>,
    /// The message before the proof, which the proof is about.
    pub without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let (channel, rest) = without_proof.strip_prefix("c=")?.split_once(',')?;
        let (nonce, extensions) = nonce_of(rest)?;
        let (channel, proof) = (STANDARD.decode(channel).ok()?, STANDARD.decode(proof).ok()?);
        are_extensions(extensions).then_some(Self { channel, nonce, proof, without_proof })
    }
}

/// The server's final message: that it knows the password as well, or an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFinal<'a> {
    Error(&'a str),
    Signature(Vec<u8>),
}

impl<'a> ServerFinal<'a> {
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        if let Some(error) = text.strip_prefix("e=") {
            return Some(Self::Error(error));
        }
        let text = text.strip_prefix("v=")?;
        let end = text.find(',').unwrap_or(text.len());
        let (signature, extensions) = text.split_at(end);
        are_extensions(extensions).then_some(Self::Signature(STANDARD.decode(signature).ok()?))
    }
}

/// The text behind `m=…,`, which is for extensions to come.
fn without_reserved(text: &str) -> Option<&str> {
    match text.strip_prefix("m=") {
        Some(rest) => rest.split_once(',').map(|(_, rest)| rest),
        None => Some(text),
    }
}

/// The nonce at the beginning, and what follows it.
fn nonce_of(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("r=")?;
    let (nonce, rest) = text.split_at(text.find(',').unwrap_or(text.len()));
    let is_printable = !nonce.is_empty() && nonce.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    is_printable.then_some((nonce, rest))
}

/// Any number of `,name=value`.
fn are_extensions(text: &str) -> bool {
    let Some(text) = text.strip_prefix(',') else { return text.is_empty() };
    text.split(',').all(|extension| {
        extension.split_once('=').is_some_and(|(name, value)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) && !value.is_empty()
        })
    })
}

fn is_sasl_name(text: &str) -> bool {
    !text.is_empty() && user_name(text).is_some()
}

/// The name that a `saslname` stands for; None where an equals sign stands for nothing.
pub(super) fn user_name(sasl_name: &str) -> Option<String> {
    let without = sasl_name.replace("=2C", "").replace("=3D", "");
    (!without.contains('=')).then(|| sasl_name.replace("=2C", ",").replace("=3D", "="))
}

/// A name as the messages carry it.
pub(super) fn sasl_name(user: &str) -> String {
    user.replace('=', "=3D").replace(',', "=2C")
}
