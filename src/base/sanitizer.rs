//! Names of users and client ids as they stand in znode paths and metrics: URL-encoded.
//!
//! Pure. Kafka: `Sanitizer`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What `java.net.URLEncoder` encodes, and `*`, which an MBean's name takes for a pattern.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// The name, URL-encoded; a space becomes `%20`.
pub fn sanitize(name: &str) -> Cow<'_, str> {
    utf8_percent_encode(name, ENCODED).into()
}

/// The name that was URL-encoded. As in Java a `+` stands for a space, and bytes that are no UTF-8 become U+FFFD. None
/// where a `%` has no two hexadecimal digits behind it.
pub fn desanitize(sanitized: &str) -> Option<String> {
    let mut escapes = sanitized.split('%').skip(1);
    let is_hex =
        |escape: &str| escape.len() >= 2 && escape.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    if !escapes.all(is_hex) {
        return None;
    }
    let spaced = sanitized.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests;
