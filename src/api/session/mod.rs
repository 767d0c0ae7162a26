//! APIs about the connection itself.

pub mod api_versions;
