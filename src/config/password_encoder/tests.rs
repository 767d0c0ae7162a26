use super::*;
use crate::config::Properties;

const CBC: &str = "AES/CBC/PKCS5Padding";
const KEY: &str = "listener.name.plaintext.ssl.keystore.password";

/// "pass-word" as Kafka 2.7.2 has written it to ZooKeeper, with `password.encoder.secret=the-secret`.
const OF_KAFKA: &str = "encryptedPassword:tn9WBCEPHxD5pKcje4KpvA==,keyLength:128,cipherAlgorithm:AES/CBC/PKCS5Padding,initia\
     lizationVector:L5VdyxRGqskbuU5wJCeT0w==,keyFactoryAlgorithm:PBKDF2WithHmacSHA512,passwordLength:9,sa\
     lt:XuO7qfnvc5reDTpVIZ/SV3o7Cl9dwid2wTKggTpgcqRKUaSV6S2bDtXxkKYHOvMqV2xG+UxRNYV7Ac8G+ghNq51gX1cz8fBwg\
     yqZeBhg2SphW9AXPYJtMA8maggmFotKuaxlCDMXky1x6PRppkfln0ZRaUZEdy+bVtErBNCQEI+YVUPmUWHyPHiducaEMeCbgi/sM\
     ivYGhN2wcipF8lYotU/2Rt4p5kgKgGTnNg0oyCy8n3kj+cVsevwRIeOwh+Z2HFZ6QTkVuXPyrrrOD03gy334UM4+ZBF1HBiKH5Bz\
     9Zz7Udkz5UpdCveLXi5zx71X2raJ0Epnh61+K+hblxoug==,iterations:4096";

fn config(pairs: &[(&str, &str)]) -> BrokerConfig {
    let properties: Properties = [("zookeeper.connect", "localhost")].iter().chain(pairs).copied().collect();
    BrokerConfig::parse(&properties).unwrap()
}

fn encoder(pairs: &[(&str, &str)]) -> PasswordEncoder {
    PasswordEncoder::of(&config(pairs)).unwrap()
}

fn own(value: &str) -> OwnConfigs {
    OwnConfigs::from([(KEY.to_owned(), value.to_owned()), ("log.retention.ms".to_owned(), "5".to_owned())])
}

#[test]
fn what_kafka_has_encrypted_is_read_and_written_byte_for_byte() {
    let encoder = encoder(&[("password.encoder.secret", "the-secret")]);
    assert_eq!(encoder.decode(OF_KAFKA).unwrap(), "pass-word");
    let parameter = |name: &str| {
        let pair = OF_KAFKA.split(',').find_map(|pair| pair.strip_prefix(name)).unwrap();
        STANDARD.decode(pair).unwrap()
    };
    let (salt, iv) = (parameter("salt:"), parameter("initializationVector:"));
    assert_eq!(encoder.encode_with("pass-word", &salt, &iv).unwrap(), OF_KAFKA);
}

#[test]
fn every_key_factory_and_key_length_reads_what_it_has_written() {
    for factory in KeyFactory::ALL {
        for length in ["128", "192", "256"] {
            let settings = [
                ("password.encoder.secret", "s\u{e9}cret"),
                ("password.encoder.keyfactory.algorithm", factory.name()),
                ("password.encoder.key.length", length),
                ("password.encoder.iterations", "1024"),
            ];
            let encoded = encoder(&settings).encode("\u{1f511} key").unwrap();
            // The parameters beside the password count, not those of the settings.
            let other = encoder(&settings[..1]);
            assert_eq!(other.decode(&encoded).unwrap(), "\u{1f511} key", "{factory:?} {length}");
        }
    }
}

#[test]
fn every_cipher_reads_what_it_has_written_and_no_other_secret_does() {
    for cipher in Cipher::ALL {
        let lengths: &[&str] = match cipher {
            Cipher::DesCbc => &["64"],
            Cipher::DesEdeCbc => &["192"],
            _ => &["128", "192", "256"],
        };
        for length in lengths {
            let settings = [
                ("password.encoder.secret", "secret"),
                ("password.encoder.cipher.algorithm", cipher.name()),
                ("password.encoder.key.length", length),
            ];
            for password in
                ["", "fifteen of them", "just sixteen now", "\u{1f511} key, and more than a block of it"]
            {
                let encoded = encoder(&settings).encode(password).unwrap();
                assert_eq!(
                    encoder(&settings[..1]).decode(&encoded).unwrap(),
                    password,
                    "{cipher:?} {length}"
                );
                let wrong = encoder(&[("password.encoder.secret", "other")]).decode(&encoded);
                assert!(wrong.as_deref() != Ok(password), "{cipher:?} {length}");
            }
        }
    }
}

#[test]
fn another_secret_and_damage_are_refused() {
    let wrong = encoder(&[("password.encoder.secret", "other")]);
    assert!(matches!(wrong.decode(OF_KAFKA), Err(PasswordError::Undecodable | PasswordError::Length)));
    let right = encoder(&[("password.encoder.secret", "the-secret")]);
    for (from, to, error) in [
        ("iterations:4096", "iterations:2147483647", PasswordError::Parameter("iterations")),
        ("iterations:4096", "iterations:x", PasswordError::Parameter("iterations")),
        ("keyLength:128", "keyLength:4294967295", PasswordError::KeyLength(536_870_911)),
        ("salt:", "salz:", PasswordError::Parameter("salt")),
        ("passwordLength:9", "passwordLength:8", PasswordError::Length),
        ("AES/CBC/", "AES/GCM/", PasswordError::Cipher("AES/GCM/PKCS5Padding".to_owned())),
        (CBC, "AES/GCM/NoPadding", PasswordError::Parameter("authenticationTagLength")),
        (CBC, "DES/CBC/PKCS5Padding", PasswordError::DesKeyLength),
        ("HmacSHA512", "HmacMD5", PasswordError::KeyFactory("PBKDF2WithHmacMD5".to_owned())),
    ] {
        assert_eq!(right.decode(&OF_KAFKA.replace(from, to)), Err(error));
    }
    assert_eq!(right.decode(""), Err(PasswordError::Parameter("cipherAlgorithm")));
    let of_settings = |key, value| encoder(&[("password.encoder.secret", "s"), (key, value)]).encode("p");
    assert_eq!(of_settings("password.encoder.key.length", "64"), Err(PasswordError::KeyLength(8)));
    assert!(of_settings("password.encoder.cipher.algorithm", "DES").is_err());
}

#[test]
fn configs_are_stored_with_encrypted_passwords_and_never_without_a_secret() {
    let encoder = encoder(&[("password.encoder.secret", "s")]);
    let stored = to_persistent(&own("p"), Layer::Broker, Some(&encoder)).unwrap();
    assert!(stored[KEY].starts_with("encryptedPassword:") && stored["log.retention.ms"] == "5");
    assert_eq!(from_persistent(stored.clone(), Some(&encoder)), (own("p"), Vec::new()));
    let refusal = |layer, encoder| to_persistent(&own("p"), layer, encoder).unwrap_err().to_string();
    assert_eq!(refusal(Layer::Broker, None), "Password encoder secret not configured");
    let at_all = refusal(Layer::AllBrokers, Some(&encoder));
    assert_eq!(at_all, "Password config can be defined only at broker level");
    let (left, ignored) = from_persistent(stored, None);
    assert_eq!(left.keys().collect::<Vec<_>>(), ["log.retention.ms"]);
    assert!(ignored[0].starts_with(&format!("Dynamic password config {KEY} could not be decoded")));
}

#[test]
fn a_changed_secret_reads_and_re_encrypts_what_the_old_one_has_encrypted() {
    let rotated = [("password.encoder.secret", "new"), ("password.encoder.old.secret", "the-secret")];
    let stored = re_encoded(&own(OF_KAFKA), &config(&rotated)).unwrap().unwrap();
    assert_eq!(encoder(&rotated).decode(&stored[KEY]).unwrap(), "pass-word");
    let again = re_encoded(&stored, &config(&rotated)).unwrap().unwrap();
    assert_eq!(again, stored, "what the old secret does not fit stays");
    assert_eq!(re_encoded(&own(OF_KAFKA), &config(&rotated[..1])), Ok(None));
    let refused = re_encoded(&own(OF_KAFKA), &config(&rotated[1..])).unwrap_err();
    assert_eq!(refused.to_string(), "Password encoder secret not configured");
}
