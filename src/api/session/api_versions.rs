//! ApiVersions, v0-3. The APIs of this broker, and their versions: the rows of the table.
//!
//! v3 client software name and version (KIP-511), features (KIP-584). A version that is too new is answered in the
//! layout of version 0, with error 35 and the versions of ApiVersions alone, so that the client can ask again. Kafka:
//! `KafkaApis.handleApiVersionsRequest`.

use std::future::{Ready, ready};

use crate::api::{Exchange, table};
use crate::base::features::{FinalizedVersionRange, broker_features};
use crate::net::Answer;
use crate::wire::api_key::ApiKey;
use crate::wire::codec::WireError;
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::header::RequestHeader;
use crate::wire::message::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, ApiVersionsResponseKey, FinalizedFeatureKey, SupportedFeatureKey,
};

/// Answers with the table, and the finalized features. Every caller may ask, also before it is authenticated.
/// Not an `async fn`: the table has this handler in a row, and so cannot be part of its future.
pub fn handle(exchange: &Exchange, request: ApiVersionsRequest) -> Ready<ApiVersionsResponse> {
    ready(response(exchange, &request))
}

fn response(exchange: &Exchange, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    let named = |text: &str| is_name(text);
    if exchange.version() >= 3 {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !(named(name) && named(version)) {
            return ApiVersionsResponse {
                error_code: ErrorCode::InvalidRequest.code(),
                ..Default::default()
            };
        }
        exchange.caller.software.register(name, version);
    }
    let api_keys = table::ROWS.iter().map(|row| versions(row.key)).collect();
    let supported_features = broker_features().into_iter().map(|(name, versions)| SupportedFeatureKey {
        name,
        min_version: versions.min(),
        max_version: versions.max(),
    });
    let supported_features = supported_features.collect();
    let mut response = ApiVersionsResponse { api_keys, supported_features, ..Default::default() };
    if let Some(finalized) = &*exchange.services.features.borrow() {
        response.finalized_features_epoch = i64::from(finalized.epoch);
        let features = finalized.features.iter();
        response.finalized_features = features.map(|(name, levels)| feature(name, *levels)).collect();
    }
    response
}

/// The answer to a version that this broker does not know.
///
/// # Errors
/// Those of encoding it.
pub fn unsupported(exchange: &Exchange) -> Result<Answer, WireError> {
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![versions(ApiKey::ApiVersions)],
        ..Default::default()
    };
    let as_version_0 = RequestHeader { api_version: 0, ..exchange.header.clone() };
    Ok(Answer::Now(frame::response(&as_version_0, &response)?.into()))
}

fn versions(key: ApiKey) -> ApiVersionsResponseKey {
    let versions = key.versions();
    ApiVersionsResponseKey {
        api_key: key.code(),
        min_version: *versions.start(),
        max_version: *versions.end(),
    }
}

fn feature(name: &str, levels: FinalizedVersionRange) -> FinalizedFeatureKey {
    FinalizedFeatureKey {
        name: name.to_owned(),
        max_version_level: levels.max(),
        min_version_level: levels.min(),
    }
}

/// Whether a software's name or version is valid by KIP-511.
fn is_name(text: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_alphanumeric();
    let is_inner = |byte: u8| is_end(byte) || byte == b'-' || byte == b'.';
    let bytes = text.as_bytes();
    bytes.iter().copied().all(is_inner)
        && bytes.first().copied().is_some_and(is_end)
        && bytes.last().copied().is_some_and(is_end)
}
