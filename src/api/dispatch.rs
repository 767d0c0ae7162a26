//! From a frame to its handler and back: header, row, version, decoding, encoding, and what becomes of bad requests.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{Exchange, Services, session, table};
use crate::net::{Answer, Caller, Dispatch};
use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Reader, WireError};
use crate::wire::header::RequestHeader;

/// Where requests are handed in.
#[derive(Debug)]
pub struct Counter {
    services: Arc<Services>,
}

impl Counter {
    /// A counter whose handlers use these services.
    pub fn new(services: Arc<Services>) -> Self {
        Self { services }
    }

    async fn answer(&self, caller: &Caller, frame: Bytes) -> Result<Answer, WireError> {
        let mut input = Reader::new(frame);
        let header = RequestHeader::decode(&mut input)?;
        let version = header.api_version;
        let exchange = Exchange { caller: caller.clone(), header, services: self.services.clone() };
        let key = exchange.header.api_key;
        if key == ApiKey::ApiVersions && !key.versions().contains(&version) {
            return session::api_versions::unsupported(&exchange);
        }
        match table::row(key).filter(|_| key.versions().contains(&version)) {
            Some(row) => (row.handle)(exchange, input).await,
            None => {
                log::warn!(target: "kafka.network.Processor", "Closing socket for {}: {} version {version} is not supported", caller.address, key.name());
                Ok(Answer::Close)
            }
        }
    }
}

impl Dispatch for Counter {
    fn dispatch<'a>(&'a self, caller: &'a Caller, frame: Bytes) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            match self.answer(caller, frame).await {
                Ok(answer) => answer,
                Err(error) => {
                    log::error!(target: "kafka.network.Processor", "Closing socket for {} because of error: {error}", caller.address);
                    Answer::Close
                }
            }
        })
    }
}
