//! APIs about the connection itself.

pub mod api_versions;
pub mod sasl_authenticate;
pub mod sasl_handshake;
