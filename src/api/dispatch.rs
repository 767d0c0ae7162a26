//! From a frame to its handler and back: header, row, version, decoding, encoding, and the answers to bad
//! requests.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::client_quotas::ThreadTime;
use super::{Exchange, Received, Services, session, table};
use crate::net::{Answer, Caller, Dispatch};
use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Reader, WireError};
use crate::wire::header::RequestHeader;

const TARGET: &str = "kafka.network.Processor";

/// Where frames are dispatched.
#[doc(alias = "KafkaApis")]
#[derive(Debug)]
pub struct RequestDispatch {
    services: Arc<Services>,
}

impl RequestDispatch {
    /// A dispatch whose handlers use these services.
    pub fn new(services: Arc<Services>) -> Self {
        Self { services }
    }
}

/// Decodes a request and handles it; [`Answer::Close`] if its API is not built.
///
/// # Errors
/// The frame is no request.
async fn answer(
    services: Arc<Services>,
    caller: Arc<Caller>,
    frame: Bytes,
    at: Instant,
) -> Result<Answer, WireError> {
    let (size, thread_time) = (frame.len(), ThreadTime::new(Instant::now()));
    let mut input = Reader::new(frame);
    let header = RequestHeader::decode(&mut input)?;
    let version = header.api_version;
    let received = Received { at, body_bytes: input.remaining() };
    let exchange = Exchange { caller, header, size, received, thread_time, services };
    let key = exchange.header.api_key;
    if key == ApiKey::ApiVersions && !key.versions().contains(&version) {
        return session::api_versions::unsupported(&exchange);
    }
    match table::row(key).filter(|_| key.versions().contains(&version)) {
        Some(row) => (row.handle)(exchange, input).await,
        None => {
            let id = &exchange.caller.connection;
            log::error!(target: TARGET, "Closing socket for {id} because of error: {} version {version} is not supported", key.name());
            Ok(Answer::Close)
        }
    }
}

impl Dispatch for RequestDispatch {
    fn dispatch(&self, caller: &Arc<Caller>, frame: Bytes) -> BoxFuture<'static, Answer> {
        let (services, caller) = (self.services.clone(), caller.clone());
        let at = Instant::now();
        Box::pin(async move {
            let id = caller.connection.clone();
            match answer(services, caller, frame, at).await {
                Ok(answer) => answer,
                Err(error) => {
                    log::error!(target: TARGET, "Closing socket for {id} because of error: {error}");
                    Answer::Close
                }
            }
        })
    }
}
