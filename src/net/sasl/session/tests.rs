use super::*;
use crate::config::layers::LayeredSettings;
use crate::config::{BrokerConfig, Properties};
use crate::security::jaas::JaasFile;
use crate::security::listeners::ListenerSecurity;
use crate::security::sasl::client::SaslLogin;
use crate::security::sasl::{SaslClient, ScramCredential, ScramHash};
use crate::wire::message::Request;
use crate::wire::message::api_versions::ApiVersionsRequest;
use crate::wire::message::metadata::MetadataRequest;

const SCRAM: SaslMechanism = SaslMechanism::Scram(ScramHash::Sha256);

/// A listener with PLAIN and SCRAM-SHA-256, whose users alice and bob have the passwords `secret` and `geheim`.
pub(in crate::net::sasl) fn listener() -> Arc<SaslListener> {
    listener_of("secret", "60000")
}

/// The same; alice has this password of SCRAM, and an authentication by SCRAM holds for so many milliseconds.
pub(in crate::net::sasl) fn listener_of(password: &str, lifetime_ms: &str) -> Arc<SaslListener> {
    let pairs = [
        ("zookeeper.connect", "z"),
        ("listeners", "SASL_PLAINTEXT://:1,PLAINTEXT://:2"),
        ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256"),
        (
            "listener.name.sasl_plaintext.plain.sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"secret\" user_bob=geheim;",
        ),
        (
            "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        ),
        ("listener.name.sasl_plaintext.scram-sha-256.connections.max.reauth.ms", lifetime_ms),
    ];
    let pairs = Properties::from_iter(pairs);
    let broker = BrokerConfig::parse(&pairs).unwrap();
    let security = ListenerSecurity { jaas: JaasFile::default(), credentials: Arc::default() };
    let credential = ScramCredential::of_password(ScramHash::Sha256, password, 4096).to_string();
    security.credentials.update("alice", &[("SCRAM-SHA-256".to_owned(), credential)].into());
    let settings = LayeredSettings { broker, pairs, ..Default::default() };
    security.secured(&settings).unwrap()[0].sasl.clone().unwrap()
}

pub(in crate::net::sasl) fn login(mechanism: SaslMechanism, user: &str, password: &str) -> SaslLogin {
    SaslLogin { mechanism, user: user.to_owned(), password: password.to_owned() }
}

pub(in crate::net::sasl) fn bytes_of(pieces: Vec<Records>) -> Bytes {
    let memory = pieces.into_iter().map(|piece| match piece {
        Records::Memory(bytes) => bytes,
        other => panic!("{other:?} is not in memory"),
    });
    memory.fold(Vec::new(), |all, bytes| [all, bytes.to_vec()].concat()).into()
}

fn frame_of<R: Request>(request: &R, version: i16) -> Bytes {
    bytes_of(frame::request(version, 7, Some("test"), request).unwrap()).slice(frame::PREFIX..)
}

fn read<R: Request>(pieces: Vec<Records>, version: i16) -> R::Response {
    let (correlation_id, response) =
        frame::read_response::<R>(bytes_of(pieces).slice(frame::PREFIX..), version).unwrap();
    assert_eq!(correlation_id, 7);
    response
}

fn handshake(mechanism: &str, version: i16) -> Bytes {
    frame_of(&SaslHandshakeRequest { mechanism: mechanism.to_owned() }, version)
}

fn sent(action: SaslAction) -> Vec<Records> {
    match action {
        SaslAction::Send(pieces) => pieces,
        other => panic!("{other:?}"),
    }
}

fn failed(action: SaslAction) -> (Vec<Records>, String) {
    match action {
        SaslAction::Fail(pieces, words) => (pieces, words),
        other => panic!("{other:?}"),
    }
}

fn token(bytes: Vec<u8>) -> Bytes {
    frame_of(&SaslAuthenticateRequest { auth_bytes: bytes.into() }, 1)
}

/// The handshake and the exchange with tokens in requests: the last action.
fn log_in(session: &mut SaslSession, login: &SaslLogin) -> SaslAction {
    let response = read::<SaslHandshakeRequest>(sent(session.take(handshake(login.mechanism.name(), 1))), 1);
    assert_eq!((response.error_code, response.mechanisms.len()), (0, 2));
    let (mut client, mut next) = SaslClient::new(login);
    loop {
        match session.take(token(next)) {
            SaslAction::Send(pieces) => {
                let response = read::<SaslAuthenticateRequest>(pieces, 1);
                assert_eq!((response.error_code, response.session_lifetime_ms), (0, 0));
                next = client.evaluate(&response.auth_bytes).unwrap().unwrap();
            }
            action => return action,
        }
    }
}

fn words_to_caller(action: SaslAction) -> String {
    let response = read::<SaslAuthenticateRequest>(failed(action).0, 1);
    assert_eq!(response.error_code, ErrorCode::SaslAuthenticationFailed.code());
    response.error_message.unwrap()
}

#[test]
fn a_caller_comes_in_by_either_mechanism() {
    for (mechanism, lifetime_ms) in [(SaslMechanism::Plain, 0), (SCRAM, 60_000)] {
        let action = log_in(&mut SaslSession::new(listener()), &login(mechanism, "alice", "secret"));
        let SaslAction::Complete(pieces, proof) = action else { panic!("{action:?}") };
        assert_eq!((proof.user.as_str(), proof.mechanism), ("alice", mechanism));
        assert_eq!(read::<SaslAuthenticateRequest>(pieces, 1).session_lifetime_ms, lifetime_ms);
    }
}

#[test]
fn tokens_are_bare_after_the_first_version_of_the_handshake() {
    let mut session = SaslSession::new(listener());
    sent(session.take(handshake("PLAIN", 0)));
    let action = session.take(Bytes::from_static(b"\0bob\0geheim"));
    let SaslAction::Complete(pieces, proof) = action else { panic!("{action:?}") };
    assert_eq!((&bytes_of(pieces)[..], proof.user.as_str()), (&[0; 4][..], "bob"));
    let mut session = SaslSession::new(listener());
    sent(session.take(handshake("PLAIN", 0)));
    let (pieces, words) = failed(session.take(Bytes::from_static(b"\0bob\0secret")));
    assert!(pieces.is_empty() && words.contains("Invalid username or password"), "{words}");
    let mut session = SaslSession::new(listener());
    sent(session.take(handshake("SCRAM-SHA-256", 0)));
    let (mut client, first) = SaslClient::new(&login(SCRAM, "alice", "secret"));
    let challenge = bytes_of(sent(session.take(first.into())));
    let last = client.evaluate(&challenge[frame::PREFIX..]).unwrap().unwrap();
    assert!(matches!(session.take(last.into()), SaslAction::Complete(..)));
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_told_alike() {
    let words = |mechanism, user, password| {
        words_to_caller(log_in(&mut SaslSession::new(listener()), &login(mechanism, user, password)))
    };
    for mechanism in [SaslMechanism::Plain, SCRAM] {
        assert_eq!(words(mechanism, "alice", "wrong"), words(mechanism, "nobody", "secret"));
    }
    assert_eq!(
        words(SCRAM, "alice", "wrong"),
        "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256"
    );
    assert_eq!(
        words(SaslMechanism::Plain, "alice", "wrong"),
        "Authentication failed: Invalid username or password"
    );
    // A user of PLAIN alone.
    assert_eq!(words(SCRAM, "bob", "geheim"), words(SCRAM, "bob", "secret"));
}

#[test]
fn a_mechanism_that_is_not_enabled_is_answered_with_those_that_are() {
    for mechanism in ["SCRAM-SHA-512", "GSSAPI", "", "plain"] {
        let (pieces, words) = failed(SaslSession::new(listener()).take(handshake(mechanism, 1)));
        let response = read::<SaslHandshakeRequest>(pieces, 1);
        assert_eq!(response.error_code, ErrorCode::UnsupportedSaslMechanism.code());
        assert_eq!(response.mechanisms, ["PLAIN", "SCRAM-SHA-256"]);
        assert_eq!(words, format!("Unsupported SASL mechanism {mechanism}"));
    }
}

#[test]
fn versions_may_be_asked_for_once_before_the_handshake() {
    let mut session = SaslSession::new(listener());
    let versions = || frame_of(&ApiVersionsRequest::default(), 0);
    let too_new = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0]);
    assert!(matches!(session.take(too_new), SaslAction::AnswerVersions));
    assert!(matches!(session.take(versions()), SaslAction::AnswerVersions));
    assert!(failed(session.take(versions())).0.is_empty());
    assert!(failed(session.take(handshake("PLAIN", 1))).0.is_empty(), "it is over");
}

#[test]
fn other_requests_before_the_authentication_are_not_answered() {
    let metadata = || frame_of(&MetadataRequest::default(), 1);
    let closed = |frame: Bytes| assert!(failed(SaslSession::new(listener()).take(frame)).0.is_empty());
    closed(metadata());
    closed(Bytes::new());
    closed(Bytes::from_static(&[0x60, 0x82, 1, 2, 3, 4, 5, 6, 7, 8]));
    closed(token(b"\0alice\0secret".to_vec()));
    closed(handshake("PLAIN", 1).slice(..12));
    let mut session = SaslSession::new(listener());
    sent(session.take(handshake("PLAIN", 1)));
    assert!(failed(session.take(metadata())).0.is_empty());
    let mut session = SaslSession::new(listener());
    sent(session.take(handshake("PLAIN", 1)));
    let refused = read::<SaslHandshakeRequest>(failed(session.take(handshake("PLAIN", 1))).0, 1);
    assert_eq!(refused.error_code, ErrorCode::IllegalSaslState.code());
}

#[test]
fn a_caller_that_authenticates_again_stays_who_it_is_and_how() {
    let before = || SaslProof { user: "alice".to_owned(), mechanism: SaslMechanism::Plain, lifetime: None };
    let again = || SaslSession::again(listener(), before());
    let plain = |user: &str, password: &str| login(SaslMechanism::Plain, user, password);
    assert!(matches!(log_in(&mut again(), &plain("alice", "secret")), SaslAction::Complete(..)));
    assert_eq!(
        words_to_caller(log_in(&mut again(), &plain("bob", "geheim"))),
        "Cannot change principals during re-authentication from User.alice: User.bob"
    );
    let (pieces, words) = failed(log_in(&mut again(), &login(SCRAM, "alice", "secret")));
    assert!(pieces.is_empty());
    assert_eq!(
        words,
        "SASL mechanism 'SCRAM-SHA-256' requested by client is not supported for re-authentication of mechanism 'PLAIN'"
    );
}

/// Frames of callers that know no password: right ones, changed ones, and noise.
struct Intruder {
    random: fastrand::Rng,
    /// The last token that the broker sent.
    challenge: Vec<u8>,
}

impl Intruder {
    /// The frame at this position of an attempt. Mostly it is one that the broker waits for there.
    fn frame_at(&mut self, at: usize, version: i16) -> Bytes {
        let frame = match (at, self.random.u8(..16)) {
            (_, 0) => frame_of(&MetadataRequest::default(), 4),
            (_, 1) => self.noise(64),
            (_, 2) => handshake(self.random.choice(["PLAIN", "GSSAPI", ""]).unwrap(), version),
            (0, _) => frame_of(&ApiVersionsRequest::default(), self.random.i16(0..4)),
            (1, 3..6) => handshake("PLAIN", version),
            (1, _) => handshake("SCRAM-SHA-256", version),
            (_, 3) => frame_of(&ApiVersionsRequest::default(), 0),
            _ if version == 0 => self.token().into(),
            _ => token(self.token()),
        };
        if self.random.u8(..4) == 0 { self.changed(&frame) } else { frame }
    }

    fn token(&mut self) -> Vec<u8> {
        let user = self.random.choice(["alice", "bob", "eve", "", "a=2Cb"]).unwrap();
        match self.random.u8(..8) {
            0 => SaslClient::new(&login(SaslMechanism::Plain, user, "guess")).1,
            1..=3 => SaslClient::new(&login(SCRAM, user, "guess")).1,
            4..=6 => {
                // A final message with the nonce of the exchange, and a proof by chance.
                let nonce = String::from_utf8_lossy(&self.challenge);
                let nonce = nonce.split(',').next().unwrap_or_default().to_owned();
                let proof: String = (0..43).map(|_| self.random.alphanumeric()).collect();
                format!("c=biws,{nonce},p={proof}=").into_bytes()
            }
            _ => self.noise(200).to_vec(),
        }
    }

    fn noise(&mut self, most: usize) -> Bytes {
        let length = self.random.usize(..most);
        (0..length).map(|_| self.random.u8(..)).collect()
    }

    /// A frame with bytes flipped, and cut off or made longer.
    fn changed(&mut self, frame: &Bytes) -> Bytes {
        let mut bytes = frame.to_vec();
        for _ in 0..self.random.usize(..4) {
            if let Some(at) = (!bytes.is_empty()).then(|| self.random.usize(..bytes.len())) {
                bytes[at] ^= 1 << self.random.u8(..8);
            }
        }
        match self.random.u8(..3) {
            0 => bytes.truncate(self.random.usize(..=bytes.len())),
            1 => bytes.extend(self.noise(32)),
            _ => {}
        }
        bytes.into()
    }
}

#[test]
fn of_a_million_frames_of_intruders_none_lets_one_in() {
    let listener = listener();
    let mut intruder = Intruder { random: fastrand::Rng::with_seed(368), challenge: Vec::new() };
    let (mut frames, mut exchanges) = (0, 0);
    while frames < 1_000_000 {
        let mut session = SaslSession::new(listener.clone());
        let version = intruder.random.i16(0..2);
        // A caller may send sixteen.
        for at in 0..16 {
            frames += 1;
            match session.take(intruder.frame_at(at, version)) {
                SaslAction::AnswerVersions => {}
                SaslAction::Send(pieces) => {
                    let sent = bytes_of(pieces);
                    assert!(sent.len() < 2048, "an answer to a stranger is small");
                    let token = sent.windows(2).position(|it| it == b"r=");
                    if let Some(at) = token {
                        (intruder.challenge, exchanges) = (sent[at..].to_vec(), exchanges + 1);
                    }
                }
                SaslAction::Complete(_, proof) => panic!("frame {frames} lets {} in", proof.user),
                SaslAction::Fail(..) => break,
            }
        }
    }
    assert!(exchanges > 10_000, "the frames come as far as a mechanism's exchange: {exchanges}");
}
