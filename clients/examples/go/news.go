// News of two kinds: an inbox's messages, and a service's events. Streams break off; who keeps how far he has read goes on
// from there, and misses nothing.
package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	feedv1 "motcua.vn/contract/feed/v1"
	notificationv1 "motcua.vn/contract/notification/v1"
	routingv1 "motcua.vn/contract/routing/v1"
)

// showInbox follows the inbox of an agency: what is there already, then each message as it comes; broken off, resumed.
func (o *office) showInbox(ctx context.Context, dossier string) error {
	listed, err := call(ctx, o.as(finance, "handler"), o.notification.ListMessages,
		&notificationv1.ListMessagesRequest{Shard: shard, Recipient: "agency:" + finance, PageSize: 1})
	if err != nil {
		return err
	}
	after := ""
	for _, newest := range listed.GetMessages() {
		after = newest.GetId()
	}
	message, err := o.follow(ctx, dossier, after, func() error { return o.offer(ctx, dossier, commune) })
	if err != nil {
		return err
	}
	step("inbox of %s: %s", finance, message.GetSubject())

	// While nobody listens, the offer is taken back and made again.
	if _, err := call(ctx, o.as(commune, "handler"), o.routing.RecallHandOver,
		&routingv1.RecallHandOverRequest{RequestId: newRequestID(), Dossier: dossier}); err != nil {
		return err
	}
	if err := o.offer(ctx, dossier, commune); err != nil {
		return err
	}
	again, err := o.follow(ctx, dossier, message.GetResume(), func() error { return nil })
	if err != nil {
		return err
	}
	if again.GetId() == message.GetId() || again.GetEvent() != "HandOverOffered" {
		return fmt.Errorf("a message was missed, or came twice: %v", again)
	}
	step("inbox of %s, resumed: %s", finance, again.GetSubject())
	return nil
}

// follow opens a stream behind a message, does something, waits for the next message about the dossier, and breaks off.
func (o *office) follow(ctx context.Context, dossier, after string, do func() error) (*notificationv1.Message, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout) // an application that follows for ever sets none
	defer stop()
	stream, err := o.notification.Subscribe(ctx, &notificationv1.SubscribeRequest{
		Shard: shard, Recipient: "agency:" + finance, After: after}, grpc.PerRPCCredentials(o.as(finance, "handler")))
	if err != nil {
		return nil, err
	}
	if _, err := stream.Header(); err != nil { // the service has begun: nothing that comes from now on is missed
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return nil, fmt.Errorf("Subscribe: %w", err)
		}
		if message.GetDossier() == dossier {
			return message, nil
		}
	}
}

// cursor is how far a feed has been read. A consumer writes it into its own database, in the transaction that has the
// effect of the events.
type cursor struct{ position, epoch uint64 }

// showFeed reads intake's events of the dossier from a position, breaks off after the first, and goes on to the last.
func (o *office) showFeed(ctx context.Context, dossier string, first, last uint64) error {
	at := cursor{position: first - 1}
	var told []string
	for _, until := range []uint64{first, last} {
		events, err := o.read(ctx, dossier, &at, until)
		if err != nil {
			return err
		}
		for _, event := range events {
			told = append(told, strings.TrimPrefix(fmt.Sprintf("%T", event.GetBody()), "*feedv1.Event_"))
		}
		step("feed: %s; up to position %d in epoch %d", strings.Join(told, ", "), at.position, at.epoch)
	}
	if len(told) != 2 || told[0] != "DossierAccepted" || told[1] != "ResultReturned" {
		return fmt.Errorf("each event comes once, in order, and not %v", told)
	}
	return nil
}

// read reads on from a cursor up to a position.
func (o *office) read(ctx context.Context, dossier string, at *cursor, until uint64) ([]*feedv1.Event, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	stream, err := o.feed.Read(ctx, &feedv1.ReadRequest{
		Shard: shard, After: at.position, Epoch: at.epoch, Subjects: []string{dossier}, MaxBatch: 1},
		grpc.PerRPCCredentials(o.as(shard, "feed")))
	if err != nil {
		return nil, err
	}
	var events []*feedv1.Event
	for at.position < until {
		batch, err := stream.Recv()
		if err != nil {
			return nil, fmt.Errorf("Read: %w", err)
		}
		if lost := batch.GetEnded(); lost != nil {
			return nil, fmt.Errorf("what came behind %d was lost, for example by a restore", lost.GetPosition())
		}
		events = append(events, batch.GetEvents()...)
		at.position = batch.GetPosition()
		if epoch := batch.GetEpoch(); epoch != 0 {
			at.epoch = epoch
		}
	}
	return events, nil
}
