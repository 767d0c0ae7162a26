use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;
use crate::net::peer::{Peer, PeerOptions};
use crate::net::sasl::session::tests::{bytes_of, listener, listener_of, login};
use crate::net::sasl::session::{SaslAction, SaslProof, SaslSession};
use crate::security::listeners::SaslListener;
use crate::security::sasl::{SaslMechanism, ScramHash};
use crate::wire::message::Message;
use crate::wire::message::api_versions::ApiVersionsResponseKey;
use crate::wire::message::metadata::{MetadataRequest, MetadataResponse};

const SCRAM: SaslMechanism = SaslMechanism::Scram(ScramHash::Sha256);

/// A broker's side of an authentication, and what it changes in its answers.
struct Broker {
    session: SaslSession,
    versions: Vec<(ApiKey, i16)>,
    forge: fn(&str) -> String,
    next_id: i32,
}

impl Broker {
    /// A broker that knows these APIs up to these versions.
    fn knowing(versions: &[(ApiKey, i16)]) -> Self {
        let session = SaslSession::new(listener());
        Self { session, versions: versions.to_vec(), forge: str::to_owned, next_id: 0 }
    }

    fn new() -> Self {
        Self::knowing(&[(ApiKey::SaslHandshake, 1), (ApiKey::SaslAuthenticate, 1)])
    }

    /// A broker whose answers to tokens are changed so.
    fn forging(forge: fn(&str) -> String) -> Self {
        Self { forge, ..Self::knowing(&[(ApiKey::SaslHandshake, 0)]) }
    }

    fn versions(&self, id: i32) -> Bytes {
        let key = |(api, max): &(ApiKey, i16)| ApiVersionsResponseKey {
            api_key: api.code(),
            max_version: *max,
            ..Default::default()
        };
        let answer =
            ApiVersionsResponse { api_keys: self.versions.iter().map(key).collect(), ..Default::default() };
        let mut out = Writer::framed();
        out.raw(&id.to_be_bytes());
        answer.encode(&mut out, 0).unwrap();
        bytes_of(out.finish())
    }
}

impl SaslCarrier for Broker {
    fn client_id(&self) -> &str {
        "test"
    }

    fn next_id(&mut self) -> i32 {
        self.next_id += 1;
        self.next_id
    }

    async fn exchange(&mut self, id: i32, pieces: Vec<Records>) -> Result<Bytes, PeerError> {
        let answer = match self.session.take(bytes_of(pieces).slice(frame::PREFIX..)) {
            SaslAction::AnswerVersions => self.versions(id),
            SaslAction::Send(pieces) | SaslAction::Complete(pieces, _) => bytes_of(pieces),
            SaslAction::Fail(pieces, _) => bytes_of(pieces),
        };
        if answer.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        let answer = answer.slice(frame::PREFIX..);
        Ok(match std::str::from_utf8(&answer) {
            // A token as it is: the answers to requests begin with zeros.
            Ok(text) if !text.starts_with('\0') => (self.forge)(text).into_bytes().into(),
            _ => answer,
        })
    }
}

async fn open(broker: &mut Broker, login: SaslLogin) -> Result<SaslClientSession, PeerError> {
    SaslClientSession::open(broker, Arc::new(login)).await
}

async fn refusal(broker: &mut Broker, login: SaslLogin) -> SaslRefusal {
    match open(broker, login).await {
        Err(PeerError::Authentication(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_authenticates_with_tokens_in_requests_and_with_bare_ones() {
    let alice = |mechanism| login(mechanism, "alice", "secret");
    for mechanism in [SaslMechanism::Plain, SCRAM] {
        let session = open(&mut Broker::new(), alice(mechanism)).await.unwrap();
        assert_eq!(session.due.is_some(), mechanism == SCRAM, "only SCRAM's sessions end");
        let mut old = Broker::knowing(&[(ApiKey::SaslHandshake, 0)]);
        let session = open(&mut old, alice(mechanism)).await.unwrap();
        assert!(session.due.is_none());
        // A newer broker: this client's newest version is taken.
        let newer = [(ApiKey::SaslHandshake, 9), (ApiKey::SaslAuthenticate, 9)];
        open(&mut Broker::knowing(&newer), alice(mechanism)).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_is_due_before_its_end_and_authenticates_again_without_asking_for_versions() {
    let mut broker = Broker::new();
    let mut session = open(&mut broker, login(SCRAM, "alice", "secret")).await.unwrap();
    let (due, minute) = (session.due.unwrap(), Duration::from_secs(60));
    let now = Instant::now();
    assert!(due < now + minute.mul_f64(0.96) && due > now + minute.mul_f64(0.5));
    assert!(!session.is_due(now) && session.is_due(now + minute));
    let before = SaslProof { user: "alice".to_owned(), mechanism: SCRAM, lifetime: Some(minute) };
    broker.session = SaslSession::again(listener(), before);
    session.due = None;
    session.authenticate_again(&mut broker).await.unwrap();
    assert!(session.due.is_some());
}

#[tokio::test]
async fn a_refusal_has_the_brokers_words_and_no_password() {
    let refused = refusal(&mut Broker::new(), login(SaslMechanism::Plain, "alice", "wrong")).await;
    assert_eq!(refused.error, ErrorCode::SaslAuthenticationFailed);
    assert_eq!(refused.message, "Authentication failed: Invalid username or password");
    let refused = refusal(&mut Broker::new(), login(SCRAM, "alice", "wrong")).await;
    assert_eq!(
        refused.message,
        "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256"
    );
    let other = SaslMechanism::Scram(ScramHash::Sha512);
    let refused = refusal(&mut Broker::new(), login(other, "alice", "secret")).await;
    assert_eq!(refused.error, ErrorCode::UnsupportedSaslMechanism);
    assert_eq!(
        refused.message,
        "Client SASL mechanism 'SCRAM-SHA-512' not enabled in the server, enabled mechanisms are [PLAIN, SCRAM-SHA-256]"
    );
    // A broker of old ends the connection without words.
    let mut old = Broker::knowing(&[(ApiKey::SaslHandshake, 0)]);
    let ended = open(&mut old, login(SCRAM, "alice", "wrong")).await.unwrap_err();
    assert!(matches!(ended, PeerError::Io(_)), "{ended:?}");
}

#[tokio::test]
async fn a_broker_that_does_not_know_the_password_is_refused() {
    let forgeries: [fn(&str) -> String; 2] = [
        |text| if text.starts_with("v=") { "v=AAAA".to_owned() } else { text.to_owned() },
        |text| text.replacen("r=", "r=x", 1),
    ];
    for forge in forgeries {
        let refused = refusal(&mut Broker::forging(forge), login(SCRAM, "alice", "secret")).await;
        assert_eq!(refused.error, ErrorCode::SaslAuthenticationFailed);
        assert!(refused.message.starts_with("An error: (Invalid server "), "{}", refused.message);
        assert!(!refused.message.contains("secret"));
    }
    let iterations: fn(&str) -> String = |text| text.replace("i=4096", "i=2000000000");
    let refused = refusal(&mut Broker::forging(iterations), login(SCRAM, "alice", "secret")).await;
    assert!(refused.message.contains("is more than the maximum 1000000"), "{}", refused.message);
}

const LIFETIME: Duration = Duration::from_millis(1000);
const LONG: Duration = Duration::from_secs(60);

/// Reads a frame, without its length; None at the end of the connection.
fn read(stream: &mut TcpStream) -> Option<Bytes> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(body.into())
}

/// The answer to a request for metadata, version 1.
fn metadata(request: &Bytes) -> Vec<u8> {
    let mut out = Writer::framed();
    out.raw(&request[4..8]);
    MetadataResponse::default().encode(&mut out, 1).unwrap();
    bytes_of(out.finish()).to_vec()
}

/// A broker that authenticates a client again as `again` does. It answers a request for metadata only once the next
/// authentication has begun, but for the last of `requests`. The APIs in the order of their requests.
fn serve(server: &TcpListener, again: Arc<SaslListener>, requests: usize) -> Vec<ApiKey> {
    let mut stream = server.accept().unwrap().0;
    let (mut session, mut apis) = (SaslSession::new(listener_of("secret", "1000")), Vec::new());
    let (mut proven, mut waiting, mut served) = (None, Vec::new(), 0);
    while let Some(frame) = read(&mut stream) {
        let api = ApiKey::from_code(i16::from_be_bytes([frame[0], frame[1]])).unwrap();
        apis.push(api);
        if api == ApiKey::Metadata {
            served += 1;
            waiting.extend(metadata(&frame));
            if served == requests {
                stream.write_all(&waiting).unwrap();
            }
            continue;
        }
        if let Some(proof) = proven.take() {
            stream.write_all(&std::mem::take(&mut waiting)).unwrap();
            session = SaslSession::again(again.clone(), proof);
        }
        let id = i32::from_be_bytes(frame[4..8].try_into().unwrap());
        let answer = match session.take(frame) {
            SaslAction::AnswerVersions => Broker::new().versions(id),
            SaslAction::Complete(pieces, proof) => {
                proven = Some(proof);
                bytes_of(pieces)
            }
            SaslAction::Send(pieces) | SaslAction::Fail(pieces, _) => bytes_of(pieces),
        };
        stream.write_all(&answer).unwrap();
    }
    apis
}

/// Two requests for metadata, the second one after the session's lifetime, of which the first waits until the second is
/// sent; their outcomes, and the APIs that the broker was asked for.
async fn ask_twice(again: Arc<SaslListener>) -> ([Result<(), PeerError>; 2], Vec<ApiKey>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let serving = tokio::task::spawn_blocking(move || serve(&server, again, 2));
    let login = Some(Arc::new(login(SCRAM, "alice", "secret")));
    let options = PeerOptions { login, ..PeerOptions::default() };
    let peer = Peer::connect("127.0.0.1", port, options, LONG).await.unwrap();
    let request = MetadataRequest::default();
    let first = peer.begin(&request, 1, LONG, None).unwrap();
    tokio::time::sleep(LIFETIME).await;
    let second = peer.begin(&request, 1, LONG, None).unwrap();
    let outcomes = [first.answer().await.map(drop), second.answer().await.map(drop)];
    drop(peer);
    (outcomes, serving.await.unwrap())
}

#[tokio::test]
async fn an_open_connection_authenticates_again_before_the_next_request_while_another_waits() {
    let (outcomes, apis) = ask_twice(listener_of("secret", "1000")).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let exchange =
        [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate, ApiKey::SaslAuthenticate, ApiKey::Metadata];
    assert_eq!((apis[0], &apis[1..5]), (ApiKey::ApiVersions, &exchange[..]));
    assert_eq!(apis[5..], exchange);
}

#[tokio::test]
async fn requests_fail_with_the_words_of_the_broker_that_does_not_authenticate_again() {
    let ([first, second], _) = ask_twice(listener_of("another", "1000")).await;
    assert!(first.is_ok(), "{first:?}");
    let refused = match second {
        Err(PeerError::Authentication(refused)) => refused,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused.error, ErrorCode::SaslAuthenticationFailed);
    assert!(refused.message.starts_with("Authentication failed during re-authentication"), "{refused}");
}
