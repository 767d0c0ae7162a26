// A member of a consumer group with Sarama: member BOOTSTRAP TOPIC NAME GROUP.
//
// It prints the lines of GroupMember.java, and follows the line "leave" of its standard input.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

type member struct {
	topic, group string
	printing     sync.Mutex
}

func (m *member) print(what string) {
	m.printing.Lock()
	defer m.printing.Unlock()
	fmt.Println(m.group, what)
}

func (m *member) numbers(session sarama.ConsumerGroupSession) string {
	return strings.Trim(fmt.Sprint(session.Claims()[m.topic]), "[]")
}

// Setup is called once a generation, before its partitions are read.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.print(fmt.Sprintf("assigned %d %s", session.GenerationID(), m.numbers(session)))
	return nil
}

// Cleanup is called when the reading of a generation has ended.
func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	m.print("revoked " + m.numbers(session))
	return nil
}

// ConsumeClaim reads a partition until its generation ends.
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.print(fmt.Sprintf("record %d %d", record.Partition, record.Offset))
			session.MarkMessage(record, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func main() {
	bootstrap, name := strings.Split(os.Args[1], ","), os.Args[3]
	m := &member{topic: os.Args[2], group: os.Args[4]}
	config := sarama.NewConfig()
	config.Version = sarama.V2_7_0_0
	config.ClientID = name
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Group.Rebalance.Timeout = 8 * time.Second
	group, err := sarama.NewConsumerGroup(bootstrap, m.group, config)
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
		err := group.Consume(ctx, []string{m.topic}, m)
		if err != nil && !errors.Is(err, context.Canceled) {
			m.print("interrupted " + err.Error())
			time.Sleep(100 * time.Millisecond)
		}
	}
	if err := group.Close(); err != nil {
		m.print("failed " + err.Error())
	}
}
