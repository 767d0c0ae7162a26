//! The headers of requests and responses.
//!
//! Pure. A request header's first eight bytes are the same in all versions; the rest follows from API and version
//! (KIP-482), with two exceptions that clients rely on: ControlledShutdown v0 has no client id, and ApiVersions answers
//! never have tagged fields. Kafka: RequestHeader, ResponseHeader, ApiKeys.

use super::api_key::ApiKey;
use super::codec::field::{At, Field};
use super::codec::{Problem, Reader, WireError, Writer};

/// The header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API.
    pub api_key: ApiKey,
    /// The version of the request and of its answer; not checked against what the API has.
    pub api_version: i16,
    /// Chosen by the caller, returned with the answer.
    pub correlation_id: i32,
    /// The client id.
    pub client_id: Option<String>,
}

impl RequestHeader {
    /// The header version that goes with an API's version: 0, 1 or 2.
    pub fn version(api_key: ApiKey, api_version: i16) -> i16 {
        match (api_key, api_version) {
            (ApiKey::ControlledShutdown, 0) => 0,
            _ if api_version >= api_key.flexible_from() => 2,
            _ => 1,
        }
    }

    /// Reads a header, and leaves the request itself unread.
    ///
    /// # Errors
    /// The key is unknown ([`Problem::UnknownApi`]), or the bytes end too early.
    pub fn decode(input: &mut Reader) -> Result<Self, WireError> {
        let code = input.i16()?;
        let api_version = input.i16()?;
        let correlation_id = input.i32()?;
        let api_key = ApiKey::from_code(code).ok_or(Problem::UnknownApi(code))?;
        let version = Self::version(api_key, api_version);
        let client_id = match version {
            0 => None,
            _ => Field::read(input, CLIENT_ID).map_err(|error: WireError| error.within("client_id"))?,
        };
        if version == 2 {
            input.tagged_fields(|_, _| Ok(()))?;
        }
        Ok(Self { api_key, api_version, correlation_id, client_id })
    }

    /// Writes the header.
    ///
    /// # Errors
    /// The client id is too long.
    pub fn encode(&self, out: &mut Writer) -> Result<(), WireError> {
        out.i16(self.api_key.code());
        out.i16(self.api_version);
        out.i32(self.correlation_id);
        let version = Self::version(self.api_key, self.api_version);
        if version > 0 {
            self.client_id.write(out, CLIENT_ID).map_err(|error| error.within("client_id"))?;
        }
        if version == 2 {
            out.unsigned_varint(0);
        }
        Ok(())
    }
}

/// The client id keeps its old layout even in flexible headers.
const CLIENT_ID: At = At { version: 1, flexible: false, nullable: true };

/// The header of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The correlation id of the request it answers.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// The header version that goes with an API's version: 0 or 1.
    pub fn version(api_key: ApiKey, api_version: i16) -> i16 {
        let flexible = api_key != ApiKey::ApiVersions && api_version >= api_key.flexible_from();
        flexible.into()
    }

    /// Reads a header, and leaves the response itself unread.
    ///
    /// # Errors
    /// The bytes end too early.
    pub fn decode(input: &mut Reader, api_key: ApiKey, api_version: i16) -> Result<Self, WireError> {
        let correlation_id = input.i32()?;
        if Self::version(api_key, api_version) == 1 {
            input.tagged_fields(|_, _| Ok(()))?;
        }
        Ok(Self { correlation_id })
    }

    /// Writes the header.
    pub fn encode(&self, out: &mut Writer, api_key: ApiKey, api_version: i16) {
        out.i32(self.correlation_id);
        if Self::version(api_key, api_version) == 1 {
            out.unsigned_varint(0);
        }
    }
}

#[cfg(test)]
mod tests;
