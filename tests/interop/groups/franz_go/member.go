// A member of a consumer group with franz-go: member BOOTSTRAP TOPIC NAME GROUP.
//
// It prints the lines of GroupMember.java, and follows the line "leave" of its standard input.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	topic, name, group = os.Args[2], os.Args[3], os.Args[4]
	printing           sync.Mutex
)

func say(what string) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(group, what)
}

func numbers(partitions map[string][]int32) string {
	of := slices.Sorted(slices.Values(partitions[topic]))
	return strings.Trim(fmt.Sprint(of), "[]")
}

func assigned(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
	_, generation := client.GroupMetadata()
	say(fmt.Sprintf("assigned %d %s", generation, numbers(partitions)))
}

func revoked(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	say("revoked " + numbers(partitions))
}

func main() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Args[1], ",")...),
		kgo.ClientID(name),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.SessionTimeout(6*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.RebalanceTimeout(8*time.Second),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(assigned),
		kgo.OnPartitionsRevoked(revoked),
		kgo.OnPartitionsLost(revoked),
	)
	if err != nil {
		panic(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		for input := bufio.NewScanner(os.Stdin); input.Scan(); {
			if input.Text() == "leave" {
				leave()
			}
		}
	}()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachRecord(func(record *kgo.Record) {
			say(fmt.Sprintf("record %d %d", record.Partition, record.Offset))
		})
		if fetches.NumRecords() > 0 {
			if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
				say("uncommitted " + err.Error())
			}
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
}
