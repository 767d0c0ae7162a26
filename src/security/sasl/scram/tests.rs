use super::exchange::{ScramClient, ScramServer, ScramStep};
use super::messages::{ClientFinal, ClientFirst, ServerFinal, ServerFirst, sasl_name, user_name};
use super::*;
use crate::security::sasl::SaslFailure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const USER: &str = "alice";

fn credential(hash: ScramHash) -> ScramCredential {
    ScramCredential::of_password(hash, "secret", MIN_ITERATIONS)
}

fn challenge(step: ScramStep) -> Vec<u8> {
    match step {
        ScramStep::Challenge(challenge) => challenge,
        ScramStep::Proven { user, .. } => panic!("{user} is proven too early"),
    }
}

/// The exchange with this password; its outcome.
fn exchange(hash: ScramHash, user: &str, password: &str) -> Result<String, SaslFailure> {
    let known = credential(hash);
    let known = |name: &str| (name == USER || name == "a=b,c").then(|| known.clone());
    let mut server = ScramServer::new(hash);
    let (mut client, first) = ScramClient::new(hash, user);
    let challenge = challenge(server.evaluate(&first, known).unwrap());
    let last = client.evaluate(&challenge, password).unwrap().unwrap();
    match server.evaluate(&last, known)? {
        ScramStep::Proven { user, answer } => {
            assert_eq!(client.evaluate(&answer, password), Ok(None), "the server has proven itself");
            Ok(user)
        }
        ScramStep::Challenge(_) => panic!("it is over"),
    }
}

#[test]
fn both_sides_prove_that_they_know_the_password() {
    for hash in ScramHash::ALL {
        assert_eq!(exchange(hash, USER, "secret").as_deref(), Ok(USER));
        assert_eq!(exchange(hash, "a=b,c", "secret").as_deref(), Ok("a=b,c"));
        assert!(matches!(exchange(hash, USER, "Secret"), Err(SaslFailure::Secret(_))));
        // As late as with a wrong password.
        assert_eq!(exchange(hash, "bob", "secret"), exchange(hash, USER, "wrong"));
    }
}

/// The example of RFC 7677, section 3.
#[test]
fn a_client_proves_as_the_rfc_shows() {
    let nonce = "rOprNGfwEbeRWgbNEkqO";
    let (mut client, first) = ScramClient::with_nonce(ScramHash::Sha256, "user", nonce.to_owned());
    assert_eq!(first, format!("n,,n=user,r={nonce}").into_bytes());
    let server_first = format!("r={nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    let last = client.evaluate(server_first.as_bytes(), "pencil").unwrap().unwrap();
    let proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert!(String::from_utf8(last).unwrap().ends_with(proof));
    let signature = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(client.evaluate(signature, "pencil"), Ok(None));
}

#[test]
fn messages_out_of_order_replayed_or_of_another_exchange_end_it() {
    let hash = ScramHash::Sha256;
    let known = credential(hash);
    let known = |_: &str| Some(known.clone());
    let secret = |outcome| assert!(matches!(outcome, Err(SaslFailure::Secret(_))), "{outcome:?}");
    let start = || {
        let (mut server, (mut client, first)) = (ScramServer::new(hash), ScramClient::new(hash, USER));
        let challenge = challenge(server.evaluate(&first, known).unwrap());
        let last = client.evaluate(&challenge, "secret").unwrap().unwrap();
        (server, first, last)
    };
    // The final message comes first.
    let (_, first, last) = start();
    let mut other = ScramServer::new(hash);
    secret(other.evaluate(&last, known));
    secret(other.evaluate(&first, known));
    // The final message of another exchange: its nonce is another one.
    let (mut server, ..) = start();
    secret(server.evaluate(&last, known));
    // The first message again.
    let (mut server, first, _) = start();
    secret(server.evaluate(&first, known));
    // After the end.
    let (mut server, _, last) = start();
    assert!(matches!(server.evaluate(&last, known), Ok(ScramStep::Proven { .. })));
    secret(server.evaluate(&last, known));
}

#[test]
fn a_proof_of_another_size_or_channel_is_none() {
    let hash = ScramHash::Sha512;
    let known = credential(hash);
    let known = |_: &str| Some(known.clone());
    let forge = |change: &dyn Fn(&str) -> String| {
        let (mut server, (mut client, first)) = (ScramServer::new(hash), ScramClient::new(hash, USER));
        let challenge = challenge(server.evaluate(&first, known).unwrap());
        let last = client.evaluate(&challenge, "secret").unwrap().unwrap();
        server.evaluate(change(std::str::from_utf8(&last).unwrap()).as_bytes(), known)
    };
    let proof_at = |text: &str| text.find(",p=").unwrap() + 3;
    assert!(forge(&|text| text.to_owned()).is_ok());
    assert!(forge(&|text| text[..proof_at(text)].to_owned()).is_err(), "no proof");
    assert!(forge(&|text| format!("{}AAAA", &text[..proof_at(text)])).is_err(), "a short proof");
    assert!(forge(&|text| text.replace("c=biws", "c=eSws")).is_err(), "a bound channel");
}

#[test]
fn a_client_refuses_servers_that_do_not_know_the_password_or_ask_for_too_much() {
    let client = || ScramClient::with_nonce(ScramHash::Sha256, USER, "nonce".to_owned()).0;
    let words = |challenge: &str| client().evaluate(challenge.as_bytes(), "secret").unwrap_err().to_string();
    assert_eq!(words("r=other,s=c2FsdA==,i=4096"), "Invalid server nonce: does not start with client nonce");
    assert_eq!(
        words("r=nonce1,s=c2FsdA==,i=1"),
        "Requested iterations 1 is less than the minimum 4096 for SCRAM-SHA-256"
    );
    assert_eq!(
        words("r=nonce1,s=c2FsdA==,i=4294967295"),
        "Requested iterations 4294967295 is more than the maximum 1000000 for SCRAM-SHA-256"
    );
    let mut asked = client();
    asked.evaluate(b"r=nonce1,s=c2FsdA==,i=4096", "secret").unwrap();
    let forged = asked.evaluate(b"v=AAAA", "secret").unwrap_err();
    assert_eq!(forged.to_string(), "Invalid server signature in server final message");
    let mut asked = client();
    asked.evaluate(b"r=nonce1,s=c2FsdA==,i=4096", "secret").unwrap();
    let failed = asked.evaluate(b"e=other-error", "secret").unwrap_err();
    let words = "Sasl authentication using SCRAM-SHA-256 failed with error: other-error";
    assert_eq!(failed, SaslFailure::Open(words.to_owned()));
}

#[test]
fn clients_that_want_to_be_another_user_or_a_token_are_refused() {
    let known = |_: &str| Some(credential(ScramHash::Sha256));
    let mut server = ScramServer::new(ScramHash::Sha256);
    let open = server.evaluate(b"n,a=bob,n=alice,r=nonce", known).unwrap_err();
    let words = "Authentication failed: Client requested an authorization id that is different from username";
    assert_eq!(open, SaslFailure::Open(words.to_owned()));
    let mut server = ScramServer::new(ScramHash::Sha256);
    assert!(server.evaluate(b"n,,n=alice,r=nonce,tokenauth=true", known).is_err());
    let weak = |_: &str| Some(ScramCredential::of_password(ScramHash::Sha256, "secret", 1));
    assert!(ScramServer::new(ScramHash::Sha256).evaluate(b"n,,n=alice,r=nonce", weak).is_err());
}

#[test]
fn a_credential_is_read_as_it_is_written() {
    for hash in ScramHash::ALL {
        let made = credential(hash);
        assert_eq!(ScramCredential::parse(&made.to_string()), Some(made.clone()));
        let shown = format!("{made:?}");
        assert_eq!(shown, "ScramCredential { iterations: 4096, .. }", "no secret is shown");
    }
    for broken in [
        "",
        "salt=",
        "salt=YQ==,stored_key=YQ==,server_key=YQ==",
        "salt=%,stored_key=a,server_key=a,iterations=1",
    ] {
        assert_eq!(ScramCredential::parse(broken), None, "{broken}");
    }
}

#[test]
fn messages_have_the_form_of_the_rfc() {
    let first = ClientFirst::parse(b"n,a=x,m=y,n=u=2Cv,r=abc,ext=1").unwrap();
    assert_eq!((first.authorization, first.sasl_name, first.nonce), ("x", "u=2Cv", "abc"));
    for broken in [
        "",
        "n",
        "y,,n=u,r=a",
        "p=tls-unique,,n=u,r=a",
        "n,,n=,r=a",
        "n,,n=u",
        "n,,n=u,r=",
        "n,,n=u,r=a b",
        "n,,n=u,r=a,",
        "n,,n=u,r=a,1=2",
        "n,,n=u=,r=a",
        "n,b=x,n=u,r=a",
        "n,,n=u,r=a,x=",
    ] {
        assert_eq!(ClientFirst::parse(broken.as_bytes()), None, "{broken}");
    }
    assert_eq!(ClientFirst::parse(&[0xff, 0xfe]), None);
    let server = ServerFirst::parse(b"m=x,r=abc,s=YQ==,i=4096,e=f").unwrap();
    assert_eq!((server.nonce, server.salt.as_slice(), server.iterations), ("abc", b"a".as_slice(), 4096));
    for broken in
        ["r=abc,s=YQ==", "r=abc,s=YQ=,i=1", "r=abc,s=YQ==,i=", "r=abc,s=YQ==,i=99999999999", "s=YQ==,i=1"]
    {
        assert_eq!(ServerFirst::parse(broken.as_bytes()), None, "{broken}");
    }
    for broken in ["c=biws,r=abc", "c=biws,p=YQ==", "r=abc,p=YQ==", "c=%,r=abc,p=YQ==", "c=biws,r=abc,p=%"] {
        assert_eq!(ClientFinal::parse(broken.as_bytes()), None, "{broken}");
    }
    assert_eq!(ServerFinal::parse(b"v=YQ==,x=y"), Some(ServerFinal::Signature(b"a".to_vec())));
    assert_eq!(ServerFinal::parse(b"v=%"), None);
    assert_eq!(user_name("a=3D2Cb").as_deref(), Some("a=2Cb"));
    assert_eq!(user_name(&sasl_name("=,=2C")).as_deref(), Some("=,=2C"));
    assert_eq!(user_name("a=3"), None);
}

/// The credentials that Kafka 2.7.2's kafka-configs.sh wrote for the password `alice-secret`.
#[test]
fn a_credential_is_what_kafka_writes() {
    let written = [
        (
            ScramMechanism::ScramSha256,
            8192,
            "salt=MWdxeGJrYXEwNmNkeXJhMngyb2dvanFlYzQ=,stored_key=Rs8zsY9r6Uz4tq/4dZViZVcIeCvsNLViFb8Ghaz68L8=,\
             server_key=wfw2POSvwchDsseeS7joDlOmpEUIZ/Qgeve8c0CClro=,iterations=8192",
        ),
        (
            ScramMechanism::ScramSha512,
            4096,
            "salt=MWR3dzdpb3JoZjQxazduc2lhMnNwa2hyemE=,stored_key=JQsZjo6I+Osw1a588j9S1KAHbOhQCZDdfbE/P8WAXAWhTnpx\
             YGAS62wcvK6lwShGcESTBVNSMYXfkiwd2ASd/Q==,server_key=Po/NhL2M0qE4Rk5aqtC3A8c8X2ptswm0DSHXAfxYmdrBjqd9Z\
             E56dNKHuxXdhO1YmLlghVyPW1IEHGYCjEqASw==,iterations=4096",
        ),
    ];
    for (mechanism, iterations, text) in written {
        let salt = text.split(['=', ',']).nth(1).unwrap();
        let salt = STANDARD.decode(format!("{salt}=")).unwrap();
        let here = ScramCredential::generate(mechanism, b"alice-secret", &salt, iterations).unwrap();
        assert_eq!(here.to_string(), text);
    }
    assert_eq!(ScramCredential::generate(ScramMechanism::Unknown, b"p", b"s", 4096), None);
}
