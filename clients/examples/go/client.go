// What every caller of Motcua needs once: channels, deadlines, request ids, and reading what an error says.
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	deadlinev1 "motcua.vn/contract/deadline/v1"
	feedv1 "motcua.vn/contract/feed/v1"
	intakev1 "motcua.vn/contract/intake/v1"
	notificationv1 "motcua.vn/contract/notification/v1"
	routingv1 "motcua.vn/contract/routing/v1"
)

// UNAVAILABLE is for the channel: the service is away for a moment, or has not yet heard of what another one did. The same
// message goes out again, with the same request_id, so nothing is done twice. ABORTED is not for the channel: somebody else
// was first; look again and decide again (see finish in main.go).
const serviceConfig = `{
  "methodConfig": [{
    "name": [{}],
    "waitForReady": true,
    "retryPolicy": {
      "maxAttempts": 5,
      "initialBackoff": "0.2s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}`

// How long a call may take, its retries included.
const callTimeout = 15 * time.Second

// office is what an application keeps: a stub for each service, and who is signed in.
type office struct {
	intake       intakev1.IntakeServiceClient
	routing      routingv1.RoutingServiceClient
	deadline     deadlinev1.DeadlineServiceClient
	notification notificationv1.NotificationServiceClient
	feed         feedv1.FeedServiceClient // intake's; each service serves its own
	signer       *signer
}

func openOffice() (*office, error) {
	var to [4]*grpc.ClientConn
	for i, variable := range []string{"MOTCUA_INTAKE", "MOTCUA_ROUTING", "MOTCUA_DEADLINE", "MOTCUA_NOTIFICATION"} {
		var err error
		if to[i], err = dial(variable); err != nil {
			return nil, err
		}
	}
	signer, err := newSigner()
	return &office{
		intake: intakev1.NewIntakeServiceClient(to[0]), routing: routingv1.NewRoutingServiceClient(to[1]),
		deadline:     deadlinev1.NewDeadlineServiceClient(to[2]),
		notification: notificationv1.NewNotificationServiceClient(to[3]),
		feed:         feedv1.NewFeedServiceClient(to[0]), signer: signer,
	}, err
}

func (o *office) as(agency, role string) officer { return officer{o.signer, agency, role} }

// dial makes a channel to the service whose host:port an environment variable tells.
func dial(variable string) (*grpc.ClientConn, error) {
	address := os.Getenv(variable)
	if address == "" {
		return nil, fmt.Errorf("set %s=host:port", variable)
	}
	transport, err := transportCredentials()
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(address, grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig), grpc.WithUnaryInterceptor(named))
}

func encrypted() bool { return os.Getenv("MOTCUA_TLS_CA") != "" }

// TLS where MOTCUA_TLS_CA names the authority of the services' certificates, with our own certificate where there is one.
func transportCredentials() (credentials.TransportCredentials, error) {
	if !encrypted() {
		return insecure.NewCredentials(), nil
	}
	authority, err := os.ReadFile(os.Getenv("MOTCUA_TLS_CA"))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s has no certificate", os.Getenv("MOTCUA_TLS_CA"))
	}
	if file := os.Getenv("MOTCUA_TLS_CERT"); file != "" {
		own, err := tls.LoadX509KeyPair(file, os.Getenv("MOTCUA_TLS_KEY"))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return credentials.NewTLS(config), nil
}

// named says with an error which call it is of.
func named(ctx context.Context, method string, request, reply any, to *grpc.ClientConn, invoke grpc.UnaryInvoker,
	options ...grpc.CallOption) error {
	if err := invoke(ctx, method, request, reply, to, options...); err != nil {
		return fmt.Errorf("%s: %w", path.Base(method), err)
	}
	return nil
}

// call makes a unary call as an officer, within callTimeout.
func call[Request, Response any](ctx context.Context, as officer,
	method func(context.Context, *Request, ...grpc.CallOption) (*Response, error), request *Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return method(ctx, request, grpc.PerRPCCredentials(as))
}

// newRequestID is made once for an action and sent with each of its repetitions: it takes effect once.
func newRequestID() string {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		panic(err)
	}
	return hex.EncodeToString(id[:])
}

// refusal is what a service says with an error.
type refusal struct {
	reason     string // ErrorInfo.reason, for programs
	message    string // LocalizedMessage, to be shown to the officer
	violations []*errdetails.BadRequest_FieldViolation
}

// The details come in the trailer grpc-status-details-bin, as a google.rpc.Status; Details unpacks it.
func readRefusal(err error) refusal {
	var read refusal
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			read.reason = detail.GetReason()
		case *errdetails.LocalizedMessage:
			read.message = detail.GetMessage()
		case *errdetails.BadRequest:
			read.violations = detail.GetFieldViolations()
		}
	}
	return read
}
