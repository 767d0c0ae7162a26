//! PLAIN: name and password in one message (RFC 4616).
//!
//! Pure. Kafka: `PlainSaslServer`, `PlainServerCallbackHandler`.

use super::SaslFailure;
use super::scram::are_equal;

/// The message that proves to be `user`.
pub fn message(user: &str, password: &str) -> Vec<u8> {
    format!("\0{user}\0{password}").into_bytes()
}

/// The user that a message proves to be, by what `password_of` knows.
///
/// # Errors
/// [`SaslFailure::Open`] with Kafka's words.
pub(super) fn authenticate<'a>(
    message: &[u8],
    password_of: impl FnOnce(&str) -> Option<&'a str>,
) -> Result<String, SaslFailure> {
    let open = |words: &str| SaslFailure::Open(words.to_owned());
    let text = String::from_utf8_lossy(message);
    let tokens: Vec<_> = text.splitn(5, '\0').collect();
    let [authorization, user, password] = tokens[..] else {
        let count = tokens.len().min(4);
        return Err(SaslFailure::Open(format!(
            "Invalid SASL/PLAIN response: expected 3 tokens, got {count}"
        )));
    };
    if user.is_empty() {
        return Err(open("Authentication failed: username not specified"));
    }
    if password.is_empty() {
        return Err(open("Authentication failed: password not specified"));
    }
    // An unknown user takes as long as a wrong password.
    let known = password_of(user);
    let is_right = are_equal(known.unwrap_or(password).as_bytes(), password.as_bytes());
    if known.is_none() || !is_right {
        return Err(open("Authentication failed: Invalid username or password"));
    }
    if !authorization.is_empty() && authorization != user {
        return Err(open(
            "Authentication failed: Client requested an authorization id that is different from username",
        ));
    }
    Ok(user.to_owned())
}
