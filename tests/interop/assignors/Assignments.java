package org.apache.kafka.clients.consumer;

import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32;

import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractStickyAssignor.MemberData;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;

/**
 * Prints what Kafka's assignors make of groups that change from round to round. In the package of the sticky assignor,
 * whose user data no other class may write.
 */
public class Assignments {
    static final class Member {
        String id;
        String instance;
        List<String> topics = new ArrayList<>();
        List<TopicPartition> owned = new ArrayList<>();
        int generation = -1;
    }

    private final Random random;
    private final String strategy;
    private final boolean equal;
    private final int size;
    private final Map<String, Integer> topics = new TreeMap<>();
    private final List<Member> members = new ArrayList<>();
    private int generation = 0;

    private Assignments(long seed, String strategy, boolean equal, int size) {
        this.random = new Random(seed);
        this.strategy = strategy;
        this.equal = equal;
        this.size = size;
        int count = 1 + random.nextInt(4 + size / 8);
        for (int at = 0; at < count; at++)
            topics.put(Arrays.asList("t", "orders", "a.b", "x-").get(random.nextInt(4)) + at, 1 + random.nextInt(size));
        for (int at = 1 + random.nextInt(size); at > 0; at--)
            join();
    }

    private void join() {
        Member member = new Member();
        String prefix = Arrays.asList("consumer-1", "app", "\uFF5E", "\uD83D\uDE00").get(random.nextInt(4));
        member.id = prefix + "-" + Long.toHexString(random.nextLong());
        if (random.nextInt(4) == 0)
            member.instance = "i" + random.nextInt(1000000);
        subscribe(member);
        members.add(random.nextInt(members.size() + 1), member);
    }

    private void subscribe(Member member) {
        member.topics = new ArrayList<>();
        for (String topic : topics.keySet())
            if (equal || random.nextInt(3) > 0)
                member.topics.add(topic);
        Collections.shuffle(member.topics, random);
    }

    private void change() {
        List<String> names = new ArrayList<>(topics.keySet());
        for (int times = random.nextInt(3); times >= 0; times--) {
            switch (random.nextInt(6)) {
                case 0:
                    if (members.size() > 1)
                        members.remove(random.nextInt(members.size()));
                    break;
                case 1:
                case 2:
                    join();
                    break;
                case 3:
                    topics.computeIfPresent(names.get(random.nextInt(names.size())), (name, count) -> count + 2);
                    break;
                case 4:
                    if (equal)
                        Collections.shuffle(members, random);
                    else
                        subscribe(members.get(random.nextInt(members.size())));
                    break;
                default:
                    // The member comes back with what it had, or, with the cooperative protocol, without.
                    if (strategy.equals("cooperative-sticky"))
                        members.get(random.nextInt(members.size())).owned.clear();
            }
        }
    }

    private AbstractPartitionAssignor assignor() {
        switch (strategy) {
            case "range":
                return new RangeAssignor();
            case "roundrobin":
                return new RoundRobinAssignor();
            case "sticky":
                return new StickyAssignor();
            default:
                return new CooperativeStickyAssignor();
        }
    }

    private Subscription subscription(Member member) {
        boolean sticky = strategy.equals("sticky") && member.generation >= 0;
        ByteBuffer data = sticky
            ? StickyAssignor.serializeTopicPartitionAssignment(new MemberData(member.owned, Optional.of(member.generation)))
            : null;
        List<TopicPartition> owned =
            strategy.equals("cooperative-sticky") ? member.owned : Collections.<TopicPartition>emptyList();
        Subscription subscription = new Subscription(member.topics, data, owned);
        subscription.setGroupInstanceId(Optional.ofNullable(member.instance));
        return subscription;
    }

    /** One rebalance; false where Kafka's assignor fails or gives a member what it is not subscribed to. */
    private boolean round(StringBuilder out) {
        generation++;
        Map<String, Subscription> subscriptions = new HashMap<>();
        Map<String, Integer> counts = new HashMap<>();
        out.append("group ").append(strategy).append(" topics");
        topics.forEach((name, count) -> out.append(' ').append(name).append('=').append(count));
        out.append('\n');
        for (Member member : members) {
            subscriptions.put(member.id, subscription(member));
            member.topics.forEach(topic -> counts.put(topic, topics.get(topic)));
            out.append("member ").append(member.id).append(' ').append(member.instance == null ? "-" : member.instance);
            out.append(' ').append(member.generation).append(" of ").append(String.join(",", member.topics));
            out.append(" had").append(text(member.owned)).append('\n');
        }
        Map<String, List<TopicPartition>> assigned;
        try {
            assigned = assignor().assign(counts, subscriptions);
        } catch (RuntimeException failed) {
            return false;
        }
        for (Member member : members) {
            List<TopicPartition> partitions = assigned.get(member.id);
            for (TopicPartition partition : partitions)
                if (!member.topics.contains(partition.topic()))
                    return false;
            ByteBuffer bytes = ConsumerProtocol.serializeAssignment(new Assignment(partitions));
            CRC32 sum = new CRC32();
            sum.update(bytes);
            out.append("gets ").append(Long.toHexString(sum.getValue())).append(text(partitions)).append('\n');
            // A static member that is away for a round still has the assignment of an older generation.
            if (!strategy.equals("sticky") || random.nextInt(5) > 0) {
                member.owned = new ArrayList<>(partitions);
                member.generation = generation;
            }
        }
        return true;
    }

    /** Partitions in their order; neighbours of one topic share its name. */
    private static String text(List<TopicPartition> partitions) {
        StringBuilder out = new StringBuilder();
        String topic = null;
        for (TopicPartition partition : partitions) {
            out.append(partition.topic().equals(topic) ? "," : " " + partition.topic() + ":").append(partition.partition());
            topic = partition.topic();
        }
        return out.toString();
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream lines = new PrintStream(System.out, true, "UTF-8");
        int plays = Integer.parseInt(arguments[0]);
        for (String strategy : Arrays.asList("range", "roundrobin", "sticky", "cooperative-sticky")) {
            boolean sticky = strategy.endsWith("sticky");
            for (int play = 0; play < plays; play++) {
                int size = play % 10 == 9 ? 24 : 6;
                Assignments group = new Assignments(play * 31L + strategy.length(), strategy, play % 2 == 0, size);
                for (int round = 0; round < (sticky ? 4 : 1); round++) {
                    StringBuilder out = new StringBuilder();
                    if (!group.round(out))
                        break;
                    lines.print(out);
                    group.change();
                }
            }
        }
    }
}
