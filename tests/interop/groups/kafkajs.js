// A member of a consumer group with KafkaJS: kafkajs.js BOOTSTRAP TOPIC NAME GROUP.
//
// It prints the lines of GroupMember.java, and follows the line "leave" of its standard input.
const { Kafka, logLevel } = require("kafkajs");

const [bootstrap, topic, name, group] = process.argv.slice(2);
const print = (...words) => console.log(group, ...words);

const kafka = new Kafka({
  clientId: name,
  brokers: bootstrap.split(","),
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 },
});
const consumer = kafka.consumer({
  groupId: group,
  sessionTimeout: 6000,
  rebalanceTimeout: 8000,
  heartbeatInterval: 500,
  maxWaitTimeInMs: 200,
});

// What a member was assigned is known when it joins, its generation with its first heartbeat.
let joined;
const owned = (assignment) => (assignment[topic] || []).join(" ");
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  joined = payload;
});
consumer.on(consumer.events.HEARTBEAT, ({ payload }) => {
  if (joined && joined.memberId === payload.memberId) {
    print("assigned", payload.groupGenerationId, owned(joined.memberAssignment));
    joined = undefined;
  }
});

async function main() {
  await consumer.connect();
  // A broker that has just started may not know the topic yet.
  for (let subscribed = false; !subscribed; ) {
    subscribed = await consumer.subscribe({ topics: [topic], fromBeginning: true }).then(() => true, () => false);
  }
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ partition, message }) => print("record", partition, message.offset),
  });
}

require("readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  if (line === "leave") {
    await consumer.disconnect();
    process.exit(0);
  }
});
main();
