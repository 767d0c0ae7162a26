//! The versions of each API that a broker understands, and those that both sides do.
//!
//! Pure. Kafka: `NodeApiVersions`, `ApiVersions`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::error::ClientError;
use crate::wire::api_key::ApiKey;
use crate::wire::message::api_versions::ApiVersionsResponse;

/// What a broker understands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "ApiVersions")]
pub(super) struct NodeApiVersions(BTreeMap<i16, RangeInclusive<i16>>);

impl NodeApiVersions {
    /// The versions that an answer names.
    pub(super) fn of(answer: &ApiVersionsResponse) -> Self {
        Self(answer.api_keys.iter().map(|it| (it.api_key, it.min_version..=it.max_version)).collect())
    }

    /// The versions of an API that both sides know.
    ///
    /// # Errors
    /// [`ClientError::Unsupported`] where there are none.
    pub(super) fn usable(&self, api: ApiKey) -> Result<RangeInclusive<i16>, ClientError> {
        let known = api.versions();
        let broker = self.0.get(&api.code()).ok_or(ClientError::Unsupported(api))?;
        let usable = *broker.start().max(known.start())..=*broker.end().min(known.end());
        if usable.is_empty() { Err(ClientError::Unsupported(api)) } else { Ok(usable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::api_versions::ApiVersionsResponseKey;

    fn versions(keys: &[(ApiKey, i16, i16)]) -> NodeApiVersions {
        let key = |(api, min_version, max_version): &(ApiKey, i16, i16)| ApiVersionsResponseKey {
            api_key: api.code(),
            min_version: *min_version,
            max_version: *max_version,
        };
        let api_keys = keys.iter().map(key).collect();
        NodeApiVersions::of(&ApiVersionsResponse { api_keys, ..Default::default() })
    }

    /// The oldest versions that 4.1.1 was seen to have (KIP-896), where these are not the first ones. Of Produce it
    /// names all, and refuses those before 3.
    const OLDEST_OF_4_1: &[(ApiKey, i16)] = &[
        (ApiKey::Produce, 3),
        (ApiKey::Fetch, 4),
        (ApiKey::ListOffsets, 1),
        (ApiKey::OffsetCommit, 2),
        (ApiKey::OffsetFetch, 1),
        (ApiKey::CreateTopics, 2),
        (ApiKey::DeleteTopics, 1),
        (ApiKey::OffsetForLeaderEpoch, 2),
        (ApiKey::DescribeAcls, 1),
        (ApiKey::CreateAcls, 1),
        (ApiKey::DeleteAcls, 1),
        (ApiKey::DescribeConfigs, 1),
        (ApiKey::AlterReplicaLogDirs, 1),
        (ApiKey::DescribeLogDirs, 1),
        (ApiKey::CreateDelegationToken, 1),
        (ApiKey::RenewDelegationToken, 1),
        (ApiKey::ExpireDelegationToken, 1),
        (ApiKey::DescribeDelegationToken, 1),
    ];

    #[test]
    fn brokers_of_4_1_have_a_version_of_every_api_that_a_client_knows() {
        let offered: Vec<_> = OLDEST_OF_4_1.iter().map(|(api, oldest)| (*api, *oldest, i16::MAX)).collect();
        for (api, oldest) in OLDEST_OF_4_1 {
            let usable = versions(&offered).usable(*api).unwrap();
            assert_eq!(usable, *oldest..=*api.versions().end());
        }
    }

    #[test]
    fn the_usable_versions_are_those_that_both_sides_know() {
        // As a broker of 0.10.0 answers, one of 4.1, and one that is newer than anything known.
        let old = versions(&[(ApiKey::Produce, 0, 2)]);
        let current = versions(&[(ApiKey::Produce, 0, 13), (ApiKey::Fetch, 4, 18)]);
        let unknown = versions(&[(ApiKey::Produce, 9, 20), (ApiKey::Fetch, 3, 1)]);
        assert_eq!(old.usable(ApiKey::Produce).unwrap(), 0..=2);
        assert_eq!(current.usable(ApiKey::Produce).unwrap(), 0..=8);
        assert_eq!(current.usable(ApiKey::Fetch).unwrap(), 4..=12);
        for api in [ApiKey::Produce, ApiKey::Fetch, ApiKey::Metadata] {
            let error = unknown.usable(api).unwrap_err();
            assert!(matches!(error, ClientError::Unsupported(it) if it == api), "{error}");
        }
    }
}
