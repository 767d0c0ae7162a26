//! Frames: a length of four bytes, then a header, then a message.
//!
//! Pure. Splits and builds frames; never reads a socket itself (that is [`crate::net`]). Kafka:
//! NetworkReceive, NetworkSend.

use bytes::Bytes;

use super::codec::{Reader, WireError, Writer};
use super::header::{RequestHeader, ResponseHeader};
use super::message::{Message, Request};
use crate::base::Records;

/// The length prefix, in bytes.
pub const PREFIX: usize = 4;

/// A length prefix that no frame can have. The texts are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A negative length.
    #[error("Invalid receive (size = {0})")]
    Negative(i32),
    /// More than is accepted (`socket.request.max.bytes`).
    #[error("Invalid receive (size = {size} larger than {max})")]
    TooLarge {
        /// The length announced.
        size: i32,
        /// The most that is accepted.
        max: i32,
    },
}

/// The length, in bytes, of the frame that follows this prefix: 0 to `max`.
///
/// # Errors
/// The prefix announces less than nothing, or more than `max`.
pub fn length(prefix: [u8; PREFIX], max: i32) -> Result<usize, FrameError> {
    let size = i32::from_be_bytes(prefix);
    if size > max {
        return Err(FrameError::TooLarge { size, max });
    }
    usize::try_from(size).map_err(|_| FrameError::Negative(size))
}

/// A request as a whole frame, prefix included, in pieces to be sent one after the other.
///
/// # Errors The version cannot carry what the request contains.
pub fn request<R: Request>(
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    request: &R,
) -> Result<Vec<Records>, WireError> {
    let mut out = Writer::framed();
    let client_id = client_id.map(str::to_owned);
    RequestHeader { api_key: R::KEY, api_version: version, correlation_id, client_id }.encode(&mut out)?;
    request.encode(&mut out, version)?;
    Ok(out.finish())
}

/// The response to a request as a whole frame, prefix included, in pieces to be sent one after the other.
///
/// # Errors The request's version cannot carry what the response contains.
pub fn response<M: Message>(to: &RequestHeader, response: &M) -> Result<Vec<Records>, WireError> {
    let mut out = Writer::framed();
    ResponseHeader { correlation_id: to.correlation_id }.encode(&mut out, to.api_key, to.api_version);
    response.encode(&mut out, to.api_version)?;
    Ok(out.finish())
}

/// Reads the response to a request of this type from a frame without its prefix: the correlation id and the
/// response.
///
/// # Errors The bytes are no valid response.
pub fn read_response<R: Request>(frame: Bytes, version: i16) -> Result<(i32, R::Response), WireError> {
    let mut input = Reader::new(frame);
    let header = ResponseHeader::decode(&mut input, R::KEY, version)?;
    Ok((header.correlation_id, R::Response::decode(&mut input, version)?))
}

#[cfg(test)]
mod tests;
