//! Topics: created, listed, described, given partitions, deleted.

use barnabas::client::admin::{
    CreatePartitionsOptions, CreateTopicsOptions, DeleteTopicsOptions, DescribeTopicsOptions,
    ListTopicsOptions, NewPartitions, NewTopic,
};
use barnabas::wire::error_code::ErrorCode;

use super::{Stage, code, codes};

impl Stage {
    pub async fn topics(&self) {
        self.topics_are_created().await;
        self.topics_are_described().await;
        self.topics_get_more_partitions().await;
        self.topics_are_deleted().await;
    }

    async fn topics_are_created(&self) {
        let first = self.brokers[0];
        let topics = [
            NewTopic::new("a", 3, 1).config("cleanup.policy", "compact"),
            NewTopic::with_defaults("defaults"),
            NewTopic::with_assignments("assigned", [(0, vec![first]), (1, vec![first])].into()),
            NewTopic::with_defaults("two").num_partitions(2).replication_factor(1),
        ];
        let created = self.admin.create_topics(topics, CreateTopicsOptions::default()).await.all().unwrap();
        assert_eq!((created["a"].num_partitions, created["a"].replication_factor), (Some(3), Some(1)));
        assert_eq!(created["a"].config.as_ref().unwrap().value("cleanup.policy"), Some("compact"));
        assert_eq!(created["defaults"].num_partitions, Some(1));
        assert_eq!(created["assigned"].num_partitions, Some(2));
        assert!(self.znode("/config/topics/a").await.unwrap().contains(r#""cleanup.policy":"compact""#));
        assert!(self.znode("/brokers/topics/assigned").await.is_some());
        let validated = CreateTopicsOptions::default().validate_only().fail_on_quota_violation();
        self.admin.create_topics([NewTopic::new("checked", 1, 1)], validated).await.all().unwrap();
        assert_eq!(self.znode("/brokers/topics/checked").await, None);
        let topics = [
            NewTopic::new("", 1, 1),
            NewTopic::new("a", 1, 1),
            NewTopic::new("b", 1, 1).config("no.such.key", "1"),
            NewTopic::new("bad name", 1, 1),
            NewTopic::new("good", 1, 1),
            NewTopic::new("too-many", 1, 17),
        ];
        let results = self.admin.create_topics(topics, CreateTopicsOptions::default()).await;
        use ErrorCode::{InvalidConfig, InvalidReplicationFactor, InvalidTopicException, TopicAlreadyExists};
        let expected = [
            InvalidTopicException,
            TopicAlreadyExists,
            InvalidConfig,
            InvalidTopicException,
            ErrorCode::None,
            InvalidReplicationFactor,
        ];
        assert_eq!(codes(&results), expected, "{results:?}");
        assert_eq!(results["a"].as_ref().unwrap_err().to_string(), "Topic 'a' already exists.");
    }

    async fn topics_are_described(&self) {
        let topic = self.described("a", |it| it.partitions.iter().all(|it| it.leader.is_some())).await;
        assert!(!topic.is_internal && topic.authorized_operations.is_none());
        assert_eq!(topic.partitions.iter().map(|it| it.partition).collect::<Vec<_>>(), [0, 1, 2]);
        for partition in &topic.partitions {
            assert_eq!(partition.replicas, partition.in_sync_replicas);
            assert_eq!(partition.leader, partition.replicas.first().copied());
        }
        self.described("assigned", |it| it.partitions[1].replicas[0] == self.brokers[0]).await;
        let asked = DescribeTopicsOptions::default().include_authorized_operations();
        let results = self.admin.describe_topics(["a", "missing", "bad name", ""], asked).await;
        assert_eq!(results["a"].as_ref().unwrap().authorized_operations.as_ref().unwrap().len(), 8);
        assert_eq!(code(&results["missing"]), ErrorCode::UnknownTopicOrPartition);
        assert_eq!(code(&results["bad name"]), ErrorCode::UnknownTopicOrPartition);
        assert_eq!(code(&results[""]), ErrorCode::InvalidTopicException);
        assert_eq!(self.znode("/brokers/topics/missing").await, None, "describing creates no topic");
        let listed = self.admin.list_topics(ListTopicsOptions::default()).await.unwrap();
        assert!(listed.contains_key("a") && !listed.contains_key("checked") && !listed["a"].is_internal);
    }

    async fn topics_get_more_partitions(&self) {
        let first = self.brokers[0];
        let checked = CreatePartitionsOptions::default().validate_only().fail_on_quota_violation();
        let grown = |count| [("a".to_owned(), NewPartitions::increase_to(count))];
        self.admin.create_partitions(grown(9), checked).await.all().unwrap();
        let counts = [
            ("a", NewPartitions::increase_to(5)),
            ("assigned", NewPartitions::increase_to(3).assigned_to(vec![vec![first]])),
            ("missing", NewPartitions::increase_to(5)),
            ("two", NewPartitions::increase_to(1)),
        ];
        let counts = counts.map(|(name, count)| (name.to_owned(), count));
        let results = self.admin.create_partitions(counts, CreatePartitionsOptions::default()).await;
        use ErrorCode::{InvalidPartitions, UnknownTopicOrPartition};
        let expected = [ErrorCode::None, ErrorCode::None, UnknownTopicOrPartition, InvalidPartitions];
        assert_eq!(codes(&results), expected, "{results:?}");
        let led =
            |count: usize| move |it: &barnabas::client::admin::TopicDescription| it.partitions.len() == count;
        self.described("a", led(5)).await;
        self.described("assigned", led(3)).await;
    }

    async fn topics_are_deleted(&self) {
        let results = self.admin.delete_topics(["two", "missing", ""], DeleteTopicsOptions::default()).await;
        use ErrorCode::{InvalidTopicException, UnknownTopicOrPartition};
        assert_eq!(codes(&results), [InvalidTopicException, UnknownTopicOrPartition, ErrorCode::None]);
        self.eventually("the topic is gone", async || {
            (self.znode("/brokers/topics/two").await.is_none()).then_some(())
        })
        .await;
    }
}
