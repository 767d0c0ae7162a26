//! What an administrator changes through znodes: topics and configs (Kafka's AdminZkClient).
