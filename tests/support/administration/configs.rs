//! Configs of topics, brokers and loggers, and quotas of clients.

use barnabas::client::admin::{
    AlterClientQuotasOptions, AlterConfigOp, AlterConfigsOptions, ClientQuotaAlteration, ClientQuotaEntity,
    ClientQuotaFilter, Config, ConfigResource, ConfigSource, DescribeConfigsOptions, QuotaEntityMatch,
};
use barnabas::wire::error_code::ErrorCode;

use super::{Stage, code};

impl Stage {
    pub async fn configs(&self) {
        self.configs_of_topics().await;
        self.configs_of_brokers().await;
        self.quotas_of_clients().await;
    }

    async fn config(&self, resource: ConfigResource) -> Config {
        let all = DescribeConfigsOptions::default().include_synonyms().include_documentation();
        self.admin.describe_configs([resource], all).await.all().unwrap().into_values().next().unwrap()
    }

    async fn alter(&self, resource: &ConfigResource, changes: Vec<AlterConfigOp>) -> ErrorCode {
        let changes = [(resource.clone(), changes)];
        code(&self.admin.incremental_alter_configs(changes, AlterConfigsOptions::default()).await[resource])
    }

    async fn configs_of_topics(&self) {
        let a = ConfigResource::topic("a");
        let config = self.config(a.clone()).await;
        let policy = config.get("cleanup.policy").unwrap();
        assert_eq!(
            (policy.value.as_deref(), policy.source),
            (Some("compact"), ConfigSource::DynamicTopicConfig)
        );
        assert!(!policy.is_default() && !policy.is_sensitive && !policy.is_read_only);
        assert_eq!(policy.synonyms[0].value.as_deref(), Some("compact"));
        assert_eq!(policy.config_type.map(|it| it.name()), Some("LIST"));
        assert!(policy.documentation.as_ref().is_some_and(|text| !text.is_empty()));
        assert!(config.get("retention.ms").unwrap().is_default());
        let changes = vec![
            AlterConfigOp::set("retention.ms", "1234567"),
            AlterConfigOp::append("cleanup.policy", "delete"),
        ];
        assert_eq!(self.alter(&a, changes).await, ErrorCode::None);
        let config = self.config(a.clone()).await;
        assert_eq!(
            (config.value("retention.ms"), config.value("cleanup.policy")),
            (Some("1234567"), Some("compact,delete"))
        );
        let changes =
            vec![AlterConfigOp::delete("retention.ms"), AlterConfigOp::subtract("cleanup.policy", "compact")];
        assert_eq!(self.alter(&a, changes).await, ErrorCode::None);
        assert_eq!(self.config(a.clone()).await.value("cleanup.policy"), Some("delete"));
        let checked = AlterConfigsOptions::default().validate_only();
        let change = [(a.clone(), vec![AlterConfigOp::set("retention.ms", "7")])];
        self.admin.incremental_alter_configs(change, checked).await.all().unwrap();
        assert_ne!(self.config(a.clone()).await.value("retention.ms"), Some("7"));
        let all = [(a.clone(), [("retention.ms".to_owned(), "89".to_owned())].into())];
        self.admin.alter_configs(all, AlterConfigsOptions::default()).await.all().unwrap();
        let text = self.znode("/config/topics/a").await.unwrap();
        assert!(text.contains(r#""retention.ms":"89""#) && !text.contains("cleanup.policy"), "{text}");
        let missing = ConfigResource::topic("missing");
        assert_eq!(
            self.alter(&a, vec![AlterConfigOp::set("retention.ms", "long")]).await,
            ErrorCode::InvalidRequest
        );
        let results = self.admin.describe_configs([a.clone(), missing.clone()], Default::default()).await;
        assert_eq!(
            (code(&results[&a]), code(&results[&missing])),
            (ErrorCode::None, ErrorCode::UnknownTopicOrPartition)
        );
    }

    async fn configs_of_brokers(&self) {
        let (first, all) = (ConfigResource::broker(self.brokers[0]), ConfigResource::all_brokers());
        let set = |value: &str| vec![AlterConfigOp::set("message.max.bytes", value)];
        assert_eq!(self.alter(&all, set("1000001")).await, ErrorCode::None);
        assert_eq!(self.alter(&first, set("1000002")).await, ErrorCode::None);
        self.eventually("the broker has its own value", async || {
            let config = self.config(first.clone()).await;
            let entry = config.get("message.max.bytes").unwrap();
            let sources: Vec<_> = entry.synonyms.iter().map(|it| it.source).collect();
            let expected = [
                ConfigSource::DynamicBrokerConfig,
                ConfigSource::DynamicDefaultBrokerConfig,
                ConfigSource::DefaultConfig,
            ];
            (entry.value.as_deref() == Some("1000002") && sources == expected).then_some(())
        })
        .await;
        let reset = || vec![AlterConfigOp::delete("message.max.bytes")];
        assert_eq!(self.alter(&first, reset()).await, ErrorCode::None);
        assert_eq!(self.alter(&all, reset()).await, ErrorCode::None);
        let loggers = ConfigResource::broker_logger(self.brokers[0]);
        assert_eq!(
            self.alter(&loggers, vec![AlterConfigOp::set("kafka.log.LogManager", "ERROR")]).await,
            ErrorCode::None
        );
        let config = self.config(loggers.clone()).await;
        let entry = config.get("kafka.log.LogManager").unwrap();
        assert_eq!(
            (entry.value.as_deref(), entry.source),
            (Some("ERROR"), ConfigSource::DynamicBrokerLoggerConfig)
        );
        assert_eq!(
            self.alter(&loggers, vec![AlterConfigOp::set("kafka.log.LogManager", "LOUD")]).await,
            ErrorCode::InvalidRequest
        );
    }

    async fn quotas_of_clients(&self) {
        let (alice, both) = (
            ClientQuotaEntity::user("alice"),
            ClientQuotaEntity::user("alice").and("client-id", Some("c".to_owned())),
        );
        let changes = [
            (
                alice.clone(),
                ClientQuotaAlteration::new().set("producer_byte_rate", 1e6).set("request_percentage", 50.0),
            ),
            (both.clone(), ClientQuotaAlteration::new().set("consumer_byte_rate", 2e6)),
            (ClientQuotaEntity::client_id("c"), ClientQuotaAlteration::new().set("no.such.quota", 1.0)),
            (ClientQuotaEntity::default_user(), ClientQuotaAlteration::new().set("producer_byte_rate", 3e6)),
            (
                ClientQuotaEntity::default_client_id(),
                ClientQuotaAlteration::new().set("producer_byte_rate", 4e6),
            ),
        ];
        let results = self.admin.alter_client_quotas(changes, AlterClientQuotasOptions::default()).await;
        assert_eq!(code(&results[&ClientQuotaEntity::client_id("c")]), ErrorCode::InvalidRequest);
        assert_eq!(results.values().filter(|it| it.is_ok()).count(), 4, "{results:?}");
        let quotas =
            async |filter: ClientQuotaFilter| self.admin.describe_client_quotas(&filter).await.unwrap();
        let found = self
            .eventually("the quotas are in force", async || {
                Some(quotas(ClientQuotaFilter::all()).await).filter(|found| found.len() == 4)
            })
            .await;
        assert_eq!(found[&alice]["producer_byte_rate"], 1e6);
        assert_eq!(found[&both]["consumer_byte_rate"], 2e6);
        assert_eq!(both.entries().len(), 2);
        let named = |wanted| ClientQuotaFilter::all().matching(ClientQuotaEntity::USER, wanted);
        let exactly = named(QuotaEntityMatch::Exact("alice".to_owned()));
        assert_eq!(quotas(exactly.clone()).await.len(), 2);
        assert_eq!(
            quotas(exactly.strict()).await.into_keys().collect::<Vec<_>>(),
            std::slice::from_ref(&alice)
        );
        assert_eq!(quotas(named(QuotaEntityMatch::Default)).await.len(), 1);
        assert_eq!(quotas(named(QuotaEntityMatch::Any).strict()).await.len(), 2);
        let removal = || [(alice.clone(), ClientQuotaAlteration::new().remove("producer_byte_rate"))];
        let checked = AlterClientQuotasOptions::default().validate_only();
        self.admin.alter_client_quotas(removal(), checked).await.all().unwrap();
        assert!(self.znode("/config/users/alice").await.unwrap().contains("producer_byte_rate"));
        self.admin.alter_client_quotas(removal(), AlterClientQuotasOptions::default()).await.all().unwrap();
        assert!(!self.znode("/config/users/alice").await.unwrap().contains("producer_byte_rate"));
    }
}
