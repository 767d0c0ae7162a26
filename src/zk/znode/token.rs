//! `/delegation_token/tokens/ID`: a delegation token, without its secret.
//!
//! Pure.

use serde_json::{Value, json};

use super::{ZnodeError, bytes, number, object, text};
use crate::base::Millis;

/// The parent of all tokens.
pub const PARENT: &str = "/delegation_token/tokens";

/// The path of a token.
pub fn path(id: &str) -> String {
    format!("{PARENT}/{id}")
}

/// A token (`TokenInformation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is the znode's name as well.
    pub id: String,
    /// Its owner: a principal, URL-encoded, e.g. `User%3Aalice`.
    pub owner: String,
    /// The other principals that may renew it, URL-encoded.
    pub renewers: Vec<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub issue_timestamp: Millis,
    /// When it ends unless it is renewed.
    pub expiry_timestamp: Millis,
    /// When it ends in any case.
    pub max_timestamp: Millis,
}

impl Token {
    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        bytes(&json!({
            "issueTimestamp": self.issue_timestamp,
            "renewers": self.renewers,
            "tokenId": self.id,
            "owner": self.owner,
            "expiryTimestamp": self.expiry_timestamp,
            "maxTimestamp": self.max_timestamp,
            "version": 1,
        }))
    }

    /// From its znode's data.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is no token.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let renewers = fields.get("renewers").and_then(Value::as_array).into_iter().flatten();
        let renewer = |value: &Value| {
            let renewer = value.as_str().ok_or_else(|| ZnodeError(format!("{value} is no principal")))?;
            Ok(renewer.to_owned())
        };
        Ok(Self {
            id: text(&fields, "tokenId")?.to_owned(),
            owner: text(&fields, "owner")?.to_owned(),
            renewers: renewers.map(renewer).collect::<Result<_, ZnodeError>>()?,
            issue_timestamp: number(&fields, "issueTimestamp")?,
            expiry_timestamp: number(&fields, "expiryTimestamp")?,
            max_timestamp: number(&fields, "maxTimestamp")?,
        })
    }
}
