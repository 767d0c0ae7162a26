use super::*;
use crate::metrics::{Histogram, Meter, Metric};

/// The names of a metric's samples, with their labels.
fn names(rules: Rules, metric: &Metric) -> Vec<String> {
    let shown = |sample: ExportedSample| {
        let labels: Vec<_> = sample.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        format!("{}{{{}}}", sample.family, labels.join(","))
    };
    rules.samples(&metric.name, &metric.reading).into_iter().map(shown).collect()
}

#[test]
fn a_gauge_by_each_rule_set() {
    let gauge =
        Metric::gauge("DelayedOperationPurgatory", "PurgatorySize", 3).tagged("delayedOperation", "Fetch");
    let usual = "kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation=Fetch}";
    assert_eq!(names(Rules::Usual, &gauge), [usual]);
    let confluent = "kafka_server_delayedoperationpurgatory_purgatorysize{delayedoperation=Fetch}";
    assert_eq!(names(Rules::Confluent, &gauge), [confluent]);
    let none = "kafka_server_DelayedOperationPurgatory_Value{name=PurgatorySize,delayedOperation=Fetch}";
    assert_eq!(names(Rules::None, &gauge), [none]);
}

#[test]
fn a_meter_by_each_rule_set() {
    let meter =
        Metric::meter("BrokerTopicMetrics", "MessagesInPerSec", &Meter::default()).tagged("topic", "t");
    assert_eq!(names(Rules::Usual, &meter), ["kafka_server_brokertopicmetrics_messagesin_total{topic=t}"]);
    let confluent = names(Rules::Confluent, &meter);
    assert_eq!(
        confluent[..2],
        [
            "kafka_server_brokertopicmetrics_messagesinpersec{topic=t}",
            "kafka_server_brokertopicmetrics_messagesinpersec_oneminuterate{topic=t}",
        ]
    );
    let none = names(Rules::None, &meter);
    assert_eq!(none[2], "kafka_server_BrokerTopicMetrics_OneMinuteRate{name=MessagesInPerSec,topic=t}");
    assert_eq!(none.len(), 5);
}

#[test]
fn a_histogram_by_each_rule_set() {
    let histogram = Metric::histogram("RequestMetrics", "TotalTimeMs", &Histogram::of_micros())
        .of_group("kafka.network")
        .tagged("request", "Produce");
    let usual = names(Rules::Usual, &histogram);
    assert_eq!(usual.len(), 7);
    assert_eq!(usual[0], "kafka_network_requestmetrics_totaltimems_count{request=Produce}");
    assert_eq!(usual[6], "kafka_network_requestmetrics_totaltimems{request=Produce,quantile=0.999}");
    let none = names(Rules::None, &histogram);
    assert_eq!(none[3], "kafka_network_RequestMetrics_Mean{name=TotalTimeMs,request=Produce}");
    assert_eq!(none[9], "kafka_network_RequestMetrics_99thPercentile{name=TotalTimeMs,request=Produce}");
}

#[test]
fn percents_have_both_names() {
    let idle = Metric::value("SocketServer", "NetworkProcessorAvgIdlePercent", 0.5).of_group("kafka.network");
    assert_eq!(
        names(Rules::Usual, &idle),
        [
            "kafka_network_socketserver_networkprocessoravgidle_percent{}",
            "kafka_network_socketserver_networkprocessoravgidlepercent{}",
        ]
    );
    let idle = Metric::meter("KafkaRequestHandlerPool", "RequestHandlerAvgIdlePercent", &Meter::default());
    assert_eq!(
        names(Rules::Usual, &idle),
        [
            "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_count{}",
            "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent{}",
        ]
    );
}

#[test]
fn kafkas_own_metrics_are_named_by_their_attributes() {
    let socket = Metric::attribute("socket-server-metrics", "connection-count", 2.0)
        .tagged("listener", "L")
        .tagged("networkProcessor", 0);
    let usual = "kafka_server_socket_server_metrics_connection_count{listener=L,networkProcessor=0}";
    assert_eq!(names(Rules::Usual, &socket), [usual]);
    let confluent = "kafka_server_socketservermetrics_connection_count{listener=L,network_processor=0}";
    assert_eq!(names(Rules::Confluent, &socket), [confluent]);
    let none = "kafka_server_socket_server_metrics_connection_count{listener=L,networkProcessor=0}";
    assert_eq!(names(Rules::None, &socket), [none]);
    let quota = Metric::attribute("Produce", "byte-rate", 2.0).tagged("user", "u").tagged("client-id", "c");
    assert_eq!(
        names(Rules::Usual, &quota),
        ["kafka_server_quota_byte_rate{resource=Produce,user=u,clientId=c}"]
    );
    assert_eq!(names(Rules::Confluent, &quota), ["kafka_server_produce_byte_rate{user=u,client_id=c}"]);
}

#[test]
fn a_fetchers_leader_is_one_label() {
    let lag = Metric::gauge("FetcherStats", "RequestsPerSec", 1)
        .tagged("clientId", "ReplicaFetcherThread-0-1")
        .tagged("brokerHost", "h")
        .tagged("brokerPort", 9092);
    let usual = "kafka_server_fetcherstats_requestspersec{clientId=ReplicaFetcherThread-0-1,broker=h:9092}";
    assert_eq!(names(Rules::Usual, &lag), [usual]);
}

#[test]
fn values_of_the_process_keep_their_name() {
    let open = Metric::process("process_open_fds", 7.0);
    for rules in [Rules::Usual, Rules::Confluent, Rules::None] {
        assert_eq!(names(rules, &open), ["process_open_fds{}"]);
    }
}
