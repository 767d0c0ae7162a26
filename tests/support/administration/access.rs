//! Features, ACLs, SCRAM credentials and delegation tokens.

use std::time::Duration;

use barnabas::client::ClientError;
use barnabas::client::admin::{
    AclBinding, AclBindingFilter, AclPermissionType, CreateDelegationTokenOptions, DescribeFeaturesOptions,
    FeatureUpdate, PatternType, ScramCredentialInfo, ScramMechanism, UserScramCredentialAlteration,
};
use barnabas::security::{AclOperation, AclResourceType, KafkaPrincipal};
use barnabas::wire::error_code::ErrorCode;

use super::{SecurityApis, Stage, code, codes};

impl Stage {
    pub async fn access(&self, security: SecurityApis) {
        self.features().await;
        self.scram_credentials().await;
        match security {
            SecurityApis::Present => {
                self.acls().await;
                self.delegation_tokens().await;
            }
            SecurityApis::Absent => self.security_is_not_supported().await,
        }
    }

    async fn features(&self) {
        for options in
            [DescribeFeaturesOptions::default(), DescribeFeaturesOptions::default().of_controller()]
        {
            let features = self.admin.describe_features(options).await.unwrap();
            assert!(features.supported_features.is_empty() && features.finalized_features.is_empty());
            assert!(features.finalized_features_epoch.is_some());
        }
        let updates = [
            ("unknown", FeatureUpdate::to_level(1)),
            ("downgraded", FeatureUpdate::to_level(1).allow_downgrade()),
            ("absent", FeatureUpdate::remove()),
            (" ", FeatureUpdate::to_level(1)),
        ];
        let results =
            self.admin.update_features(updates.map(|(name, update)| (name.to_owned(), update))).await;
        assert_eq!(codes(&results), [ErrorCode::InvalidRequest; 4], "{results:?}");
    }

    async fn security_is_not_supported(&self) {
        let unsupported = |error: ClientError| matches!(error, ClientError::Unsupported(_));
        let disabled = |error: ClientError| code(&Err::<(), _>(error)) == ErrorCode::SecurityDisabled;
        assert!(disabled(self.admin.describe_acls(&AclBindingFilter::any()).await.unwrap_err()));
        let binding = AclBinding::allow("User:a", AclOperation::Read, AclResourceType::Topic, "t");
        assert!(disabled(self.admin.create_acls([binding.clone()]).await.only().unwrap_err()));
        let deleted = self.admin.delete_acls([AclBindingFilter::exactly(&binding)]).await;
        assert!(disabled(deleted.all().unwrap_err()));
        assert!(unsupported(self.admin.describe_delegation_token(None).await.unwrap_err()));
    }

    async fn acls(&self) {
        let read = AclBinding::allow("User:reader", AclOperation::Read, AclResourceType::Topic, "a");
        let mut prefixed =
            AclBinding::allow("User:writer", AclOperation::All, AclResourceType::Group, "team-");
        prefixed.pattern.pattern_type = PatternType::Prefixed;
        let mut open = read.clone();
        open.entry.operation = AclOperation::Any;
        let mut denied =
            AclBinding::allow("User:*", AclOperation::Describe, AclResourceType::Cluster, "kafka-cluster");
        denied.entry.permission_type = AclPermissionType::Deny;
        denied.entry.host = "10.0.0.1".to_owned();
        let all = [read.clone(), prefixed.clone(), open.clone(), denied.clone()];
        let results = self.admin.create_acls(all).await;
        assert_eq!(
            results[&open].as_ref().unwrap_err().to_string(),
            "Invalid ACL creation: Operation is ANY"
        );
        assert_eq!(results.values().filter(|it| it.is_ok()).count(), 3, "{results:?}");
        assert!(self.znode("/kafka-acl/Topic/a").await.unwrap().contains("User:reader"));
        assert!(self.znode("/kafka-acl-extended/prefixed/Group/team-").await.is_some());
        let found = async |filter: AclBindingFilter| self.admin.describe_acls(&filter).await.unwrap();
        assert_eq!(found(AclBindingFilter::any()).await.len(), 3);
        let any = AclBindingFilter::any;
        assert_eq!(found(any().principal("User:reader")).await, std::slice::from_ref(&read));
        assert_eq!(
            found(any().resource_name("team-a", PatternType::Match)).await,
            std::slice::from_ref(&prefixed)
        );
        assert_eq!(found(any().resource_type(AclResourceType::Cluster)).await, std::slice::from_ref(&denied));
        assert_eq!(found(any().host("10.0.0.1").permission_type(AclPermissionType::Deny)).await, [denied]);
        assert_eq!(found(any().operation(AclOperation::All)).await, std::slice::from_ref(&prefixed));
        let filters = [AclBindingFilter::exactly(&prefixed), any().principal("User:nobody")];
        let deleted = self.admin.delete_acls(filters.clone()).await.all().unwrap();
        assert_eq!(deleted[&filters[0]].keys().collect::<Vec<_>>(), [&prefixed]);
        assert!(deleted[&filters[0]].values().all(Result::is_ok) && deleted[&filters[1]].is_empty());
        assert_eq!(found(any()).await.len(), 2);
    }

    async fn scram_credentials(&self) {
        let info = |mechanism, iterations| ScramCredentialInfo { mechanism, iterations };
        let (small, large) =
            (info(ScramMechanism::ScramSha256, 4096), info(ScramMechanism::ScramSha512, 8192));
        let changes = [
            UserScramCredentialAlteration::upsert("alice", small, "secret"),
            UserScramCredentialAlteration::upsert("alice", large, "secret").salted(&b"salt of alice's"[..]),
            UserScramCredentialAlteration::upsert("bob", info(ScramMechanism::ScramSha256, 16), "secret"),
            UserScramCredentialAlteration::upsert("carol", small, ""),
            UserScramCredentialAlteration::delete("dave", ScramMechanism::ScramSha256),
        ];
        let results = self.admin.alter_user_scram_credentials(changes).await;
        use ErrorCode::{ResourceNotFound, UnacceptableCredential};
        let expected = [ErrorCode::None, UnacceptableCredential, UnacceptableCredential, ResourceNotFound];
        assert_eq!(codes(&results), expected, "{results:?}");
        let stored = self.znode("/config/users/alice").await.unwrap();
        assert!(stored.contains("SCRAM-SHA-256") && stored.contains("iterations=8192"), "{stored}");
        let asked = ["alice".to_owned(), "bob".to_owned()];
        let described = self.eventually("the credentials are known", async || {
            let found = self.admin.describe_user_scram_credentials(Some(&asked)).await.unwrap();
            (found["alice"].is_ok()).then_some(found)
        });
        let described = described.await;
        let mut infos = described["alice"].as_ref().unwrap().clone();
        infos.sort();
        assert_eq!(infos, [small, large]);
        assert_eq!(code(&described["bob"]), ResourceNotFound);
        let change = UserScramCredentialAlteration::delete("alice", ScramMechanism::ScramSha256);
        self.admin.alter_user_scram_credentials([change]).await.all().unwrap();
        let left = self.admin.describe_user_scram_credentials(None).await.unwrap().all().unwrap();
        assert_eq!(left["alice"], [large]);
    }

    /// On a connection that is not authenticated, the brokers refuse every call about tokens.
    async fn delegation_tokens(&self) {
        let options = CreateDelegationTokenOptions::default()
            .renewer(KafkaPrincipal::user("renewer"))
            .max_lifetime(Duration::from_secs(60));
        let refused = ErrorCode::DelegationTokenRequestNotAllowed;
        assert_eq!(code(&self.admin.create_delegation_token(options).await), refused);
        assert_eq!(code(&self.admin.renew_delegation_token(b"hmac", None).await), refused);
        let period = Some(Duration::from_secs(1));
        assert_eq!(code(&self.admin.expire_delegation_token(b"hmac", period).await), refused);
        let owners = [KafkaPrincipal::user("owner")];
        assert_eq!(code(&self.admin.describe_delegation_token(Some(&owners)).await), refused);
    }
}
