//! A link to one broker: it connects when a request is sent, and again after the connection has ended.
//!
//! Never waits between two tries and never repeats a request: after a failure it is not known whether the
//! broker has acted on the request, so the caller decides on both. Kafka: `NetworkClient` with
//! `NetworkClientUtils.awaitReady`, `ReplicaFetcherBlockingSend`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::peer::{Peer, PeerError, PeerOptions};
use crate::base::Endpoint;
use crate::security::sasl::client::SaslLogin;
use crate::wire::message::Request;

/// The user that a broker authenticates as by SASL; None where the listener asks for no authentication.
pub type LinkLogin = Option<Arc<SaslLogin>>;

/// How a link connects and asks.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// The client id in the requests.
    pub client_id: String,
    /// The user at the listener.
    pub login: LinkLogin,
    /// How long connecting may take.
    pub connect_limit: Duration,
    /// How long the answer to a request may take.
    pub answer_limit: Duration,
}

/// A link to the broker that listens at one endpoint.
#[derive(Debug)]
#[doc(alias = "ReplicaFetcherBlockingSend")]
pub struct BrokerLink {
    endpoint: Endpoint,
    options: LinkOptions,
    /// The connection, if there was one; it may have ended since.
    peer: Option<Peer>,
}

impl BrokerLink {
    /// A link that has not connected yet.
    pub fn new(endpoint: Endpoint, options: LinkOptions) -> Self {
        Self { endpoint, options, peer: None }
    }

    /// The link in `slot` where it leads to this endpoint; otherwise a new one takes its place, and the
    /// connection to the other endpoint is closed.
    pub fn kept<'a>(slot: &'a mut Option<Self>, endpoint: &Endpoint, options: &LinkOptions) -> &'a mut Self {
        slot.take_if(|link| link.endpoint != *endpoint);
        slot.get_or_insert_with(|| Self::new(endpoint.clone(), options.clone()))
    }

    /// Sends a request at a version and waits for its answer, over the open connection or a new one. After a
    /// failure the connection is closed.
    ///
    /// # Errors
    /// [`PeerError`]; whether the broker has acted on the request is then not known.
    pub async fn call<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, PeerError> {
        // The connection is put back once the answer is read: a call that is dropped before that closes it.
        let peer = match self.peer.take().filter(Peer::is_open) {
            Some(peer) => peer,
            None => self.connect().await?,
        };
        let answer = peer.call(request, version, self.options.answer_limit).await?;
        self.peer = Some(peer);
        Ok(answer)
    }

    async fn connect(&self) -> Result<Peer, PeerError> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let port = u16::try_from(*port)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("{port} is no port")))?;
        let LinkOptions { client_id, login, connect_limit, .. } = &self.options;
        let options =
            PeerOptions { client_id: client_id.clone(), login: login.clone(), ..PeerOptions::default() };
        Peer::connect(host, port, options, *connect_limit).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::base::SecurityProtocol;
    use crate::wire::message::controlled_shutdown::ControlledShutdownRequest;

    fn link(port: u16) -> BrokerLink {
        let endpoint = Endpoint {
            listener: "PLAINTEXT".to_owned(),
            protocol: SecurityProtocol::Plaintext,
            host: "127.0.0.1".to_owned(),
            port: port.into(),
        };
        let limit = Duration::from_secs(30);
        let (client_id, login) = ("test".to_owned(), None);
        let options = LinkOptions { client_id, login, connect_limit: limit, answer_limit: limit };
        BrokerLink::new(endpoint, options)
    }

    /// Answers one request with an error code and no partitions (ControlledShutdown, version 1).
    async fn answer(stream: &mut TcpStream) -> io::Result<()> {
        let length = stream.read_u32().await?;
        let mut request = vec![0; length as usize];
        stream.read_exact(&mut request).await?;
        let mut response = 10u32.to_be_bytes().to_vec();
        response.extend_from_slice(&request[4..8]);
        response.extend_from_slice(&[0; 6]);
        stream.write_all(&response).await
    }

    #[tokio::test]
    async fn a_link_keeps_its_connection_and_makes_a_new_one_after_it_has_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut link = link(listener.local_addr().unwrap().port());
        let serving = tokio::spawn(async move {
            let (mut first, _) = listener.accept().await.unwrap();
            answer(&mut first).await.unwrap();
            answer(&mut first).await.unwrap();
            drop(first);
            let (mut second, _) = listener.accept().await.unwrap();
            answer(&mut second).await.unwrap();
        });
        let request = ControlledShutdownRequest::default();
        link.call(&request, 1).await.unwrap();
        link.call(&request, 1).await.unwrap();
        // The first try may still find the connection that has ended; the second makes a new one.
        if link.call(&request, 1).await.is_err() {
            link.call(&request, 1).await.unwrap();
        }
        serving.await.unwrap();
    }

    #[test]
    fn a_link_is_kept_as_long_as_it_leads_to_the_same_endpoint() {
        let BrokerLink { endpoint, options, .. } = link(1);
        let elsewhere = Endpoint { port: 2, ..endpoint.clone() };
        let mut slot = None;
        BrokerLink::kept(&mut slot, &endpoint, &options).options.client_id = "first".to_owned();
        assert_eq!(BrokerLink::kept(&mut slot, &endpoint, &options).options.client_id, "first");
        let other = BrokerLink::kept(&mut slot, &elsewhere, &options);
        assert_eq!((other.endpoint.port, other.options.client_id.as_str()), (2, "test"));
    }

    #[tokio::test]
    async fn a_broker_that_advertises_no_port_is_not_connected_to() {
        let mut link = link(1);
        link.endpoint.port = -1;
        let error = link.call(&ControlledShutdownRequest::default(), 1).await.unwrap_err();
        assert_eq!(error.to_string(), "-1 is no port");
    }
}
