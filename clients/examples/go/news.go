// News of two kinds: an inbox's messages, and a service's events. Streams break off; who keeps how far he has read goes on
// from there, and misses nothing.
package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	feedv1 "motcua.vn/contract/feed/v1"
	notificationv1 "motcua.vn/contract/notification/v1"
	routingv1 "motcua.vn/contract/routing/v1"
)

// showInbox follows the inbox of an agency from now on; breaks off, goes on where it was.
func (o *office) showInbox(ctx context.Context, dossier string) error {
	inbox, err := o.subscribe(ctx, "")
	if err != nil {
		return err
	}
	defer inbox.stop()
	if err := o.offer(ctx, dossier, commune); err != nil {
		return err
	}
	first, err := inbox.next(dossier)
	if err != nil {
		return err
	}
	resume := inbox.resume // an application keeps it beside what it has done about the message
	if _, err := call(ctx, o.as(commune, "handler"), o.routing.RecallHandOver,
		&routingv1.RecallHandOverRequest{RequestId: newRequestID(), Dossier: dossier}); err != nil {
		return err
	}
	step("%s takes the offer back", commune)
	if err := o.offer(ctx, dossier, commune); err != nil {
		return err
	}
	second, err := inbox.next(dossier)
	if err != nil {
		return err
	}
	inbox.stop()

	// One who has come to grief over the second message goes on behind the first.
	resumed, err := o.subscribe(ctx, resume)
	if err != nil {
		return err
	}
	defer resumed.stop()
	again, err := resumed.next(dossier)
	if err == nil && (second.GetId() == first.GetId() || again.GetId() != second.GetId()) {
		err = fmt.Errorf("%s was followed by %s, and then by %s", first.GetId(), second.GetId(), again.GetId())
	}
	return err
}

// subscription is the stream of an inbox; stop breaks it off.
type subscription struct {
	stream notificationv1.NotificationService_SubscribeClient
	stop   context.CancelFunc
	resume string // where it has come to
}

// subscribe follows the inbox of the finance office on from a place; "" = from now on. The first step comes at once, without
// a message: it tells the place.
func (o *office) subscribe(ctx context.Context, after string) (*subscription, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout) // an application that follows for ever sets none
	stream, err := o.notification.Subscribe(ctx, &notificationv1.SubscribeRequest{
		Shard: shard, Recipient: "agency:" + finance, After: after}, grpc.PerRPCCredentials(o.as(finance, "handler")))
	var begun *notificationv1.SubscribeResponse
	if err == nil {
		begun, err = stream.Recv()
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("Subscribe: %w", err)
	}
	return &subscription{stream, stop, begun.GetResume()}, nil
}

// next waits for the next message about a dossier.
func (s *subscription) next(dossier string) (*notificationv1.InboxMessage, error) {
	for {
		read, err := s.stream.Recv()
		if err != nil {
			return nil, fmt.Errorf("Subscribe: %w", err)
		}
		s.resume = read.GetResume()
		if message := read.GetMessage(); message.GetDossier() == dossier {
			step("inbox of %s: %s", finance, message.GetSubject())
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

// read reads on from a cursor up to a position. A stream of a service that stops ends with UNAVAILABLE: on from the cursor.
func (o *office) read(ctx context.Context, dossier string, at *cursor, until uint64) ([]*feedv1.Event, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	var events []*feedv1.Event
	for {
		stream, err := o.feed.Read(ctx, &feedv1.ReadRequest{
			Shard: shard, After: at.position, Epoch: at.epoch, Subjects: []string{dossier}, MaxBatch: 1},
			grpc.PerRPCCredentials(o.as(shard, "feed")))
		for err == nil && at.position < until {
			var batch *feedv1.ReadResponse
			if batch, err = stream.Recv(); err != nil {
				break
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
		if status.Code(err) != codes.Unavailable {
			return events, err
		}
	}
}
