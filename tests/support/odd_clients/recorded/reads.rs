//! The requests by which a consumer reads.

use barnabas::base::Records;
use barnabas::wire::message::fetch::*;
use barnabas::wire::message::list_offsets::*;
use barnabas::wire::message::offset_for_leader_epoch::*;

use bytes::Bytes;

use super::{MadeUp, Recorded, errors};

impl Recorded for FetchRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let texts = all.map(|(topic, it)| {
            let (partition, offset, epoch) = (it.partition, it.fetch_offset, it.current_leader_epoch);
            format!("{}-{partition}@{offset} in epoch {epoch}", topic.topic)
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    fn answered(answer: &FetchResponse) -> String {
        let partitions = answer.responses.iter().flat_map(|it| &it.partition_responses);
        errors(partitions.map(|it| it.error_code))
    }

    fn make_up(&self, made_up: &MadeUp) -> FetchResponse {
        let partition = |it: &FetchPartition| FetchablePartitionResponse {
            partition: it.partition,
            error_code: made_up.error.code(),
            high_watermark: -1,
            record_set: Some(Records::Memory(Bytes::new())),
            ..Default::default()
        };
        let topic = |it: &FetchTopic| FetchableTopicResponse {
            topic: it.topic.clone(),
            partition_responses: it.partitions.iter().map(partition).collect(),
        };
        let responses = self.topics.iter().map(topic).collect();
        FetchResponse { session_id: self.session_id, responses, ..Default::default() }
    }
}

impl Recorded for ListOffsetRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let texts = all.map(|(topic, it)| {
            let (partition, time, epoch) = (it.partition_index, it.timestamp, it.current_leader_epoch);
            format!("{}-{partition} time={time} in epoch {epoch}", topic.name)
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    fn answered(answer: &ListOffsetResponse) -> String {
        let all = answer.topics.iter().flat_map(|it| &it.partitions);
        let texts = all.map(|it| match it.error_code {
            0 => format!("{} of epoch {}", it.offset, it.leader_epoch),
            code => errors([code].into_iter()),
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    fn make_up(&self, made_up: &MadeUp) -> ListOffsetResponse {
        let partition = |it: &ListOffsetPartition| ListOffsetPartitionResponse {
            partition_index: it.partition_index,
            error_code: made_up.error.code(),
            ..Default::default()
        };
        let topic = |it: &ListOffsetTopic| ListOffsetTopicResponse {
            name: it.name.clone(),
            partitions: it.partitions.iter().map(partition).collect(),
        };
        ListOffsetResponse { topics: self.topics.iter().map(topic).collect(), ..Default::default() }
    }
}

impl Recorded for OffsetForLeaderEpochRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let texts = all.map(|(topic, it)| {
            let (partition, epoch, current) = (it.partition_index, it.leader_epoch, it.current_leader_epoch);
            format!("{}-{partition} epoch={epoch} in epoch {current}", topic.name)
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    fn answered(answer: &OffsetForLeaderEpochResponse) -> String {
        let all = answer.topics.iter().flat_map(|it| &it.partitions);
        let texts = all.map(|it| match it.error_code {
            0 => format!("epoch {} ends at {}", it.leader_epoch, it.end_offset),
            code => errors([code].into_iter()),
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    fn make_up(&self, made_up: &MadeUp) -> OffsetForLeaderEpochResponse {
        let partition = |it: &OffsetForLeaderPartition| OffsetForLeaderPartitionResult {
            partition_index: it.partition_index,
            error_code: made_up.error.code(),
            leader_epoch: made_up.field("epoch", -1),
            end_offset: made_up.field("end", -1),
        };
        let topic = |it: &OffsetForLeaderTopic| OffsetForLeaderTopicResult {
            name: it.name.clone(),
            partitions: it.partitions.iter().map(partition).collect(),
        };
        OffsetForLeaderEpochResponse { topics: self.topics.iter().map(topic).collect(), ..Default::default() }
    }
}
