// One dossier's life, from its filing to the result in the citizen's hand, by four services of Motcua.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	commonv1 "motcua.vn/contract/common/v1"
	deadlinev1 "motcua.vn/contract/deadline/v1"
	feedv1 "motcua.vn/contract/feed/v1"
	intakev1 "motcua.vn/contract/intake/v1"
	routingv1 "motcua.vn/contract/routing/v1"
)

const (
	shard     = "H30"
	commune   = "H30.18.05"
	finance   = "H30.18.TC"
	procedure = "1.001612" // registers a household business: commune, the district's finance office, and back
)

// live calls what follows upon what. No call has to wait for what the ones before have done to be known everywhere.
func live(ctx context.Context, o *office) error {
	filed, err := o.file(ctx)
	if err != nil {
		return err
	}
	dossier := filed.GetDossier().GetCode()
	if err := o.showInbox(ctx, dossier); err != nil { // and offers it to the finance office
		return err
	}
	if err := o.accept(ctx, dossier, finance); err != nil {
		return err
	}
	if err := o.work(ctx, dossier, finance, "Thẩm định, cấp giấy chứng nhận"); err != nil {
		return err
	}
	if err := o.offer(ctx, dossier, finance); err != nil {
		return err
	}
	if err := o.accept(ctx, dossier, commune); err != nil {
		return err
	}
	if err := o.finish(ctx, dossier); err != nil {
		return err
	}
	returned, err := call(ctx, o.as(commune, "returner"), o.intake.ReturnResult,
		&intakev1.ReturnResultRequest{RequestId: newRequestID(), Dossier: dossier, Mode: "desk"})
	if err != nil {
		return err
	}
	step("the commune hands the result out")
	if err := o.readBack(ctx, dossier); err != nil {
		return err
	}
	if err := o.showError(ctx); err != nil {
		return err
	}
	return o.showFeed(ctx, dossier, filed.GetWritten().GetFeedPosition(), returned.GetWritten().GetFeedPosition())
}

// file files and accepts a complete application at the desk.
func (o *office) file(ctx context.Context) (*intakev1.FileResponse, error) {
	clerk := o.as(commune, "intake")
	listed, err := call(ctx, clerk, o.intake.GetProcedure, &intakev1.GetProcedureRequest{Shard: shard, Procedure: procedure})
	if err != nil {
		return nil, err
	}
	papers := listed.GetProcedure().GetComponents()
	step("procedure %s, %s: %d papers", procedure, listed.GetProcedure().GetName(), len(papers))
	request := &intakev1.FileRequest{
		RequestId: newRequestID(), ReceivingAgency: commune, Procedure: procedure, Accept: true,
		Applicant: &intakev1.Applicant{Name: "Nguyễn Thị Hoa"},
	}
	for _, name := range papers {
		request.Components = append(request.Components, &intakev1.Component{Name: name})
	}
	filed, err := call(ctx, clerk, o.intake.File, request)
	if err != nil {
		return nil, err
	}
	dossier := filed.GetDossier()
	step("filed and accepted: %s, promised for %s", dossier.GetCode(), dossier.GetDue().GetDate())

	// Had the answer been lost, the same request would go out again, with the same request_id.
	again, err := call(ctx, clerk, o.intake.File, request)
	if err != nil {
		return nil, err
	}
	if !again.GetWritten().GetReplayed() || again.GetDossier().GetCode() != dossier.GetCode() {
		return nil, fmt.Errorf("a request that was repeated has filed %s, too", again.GetDossier().GetCode())
	}
	step("the same request again: the same dossier")
	return filed, nil
}

func (o *office) offer(ctx context.Context, dossier, agency string) error {
	offered, err := call(ctx, o.as(agency, "handler"), o.routing.OfferHandOver,
		&routingv1.OfferHandOverRequest{RequestId: newRequestID(), Dossier: dossier})
	if err != nil {
		return err
	}
	if offered.GetHolder() != agency {
		return fmt.Errorf("%s must hold until the receiver accepts, and %s does", agency, offered.GetHolder())
	}
	step("%s offers it to the next agency of the plan", agency)
	return nil
}

func (o *office) accept(ctx context.Context, dossier, agency string) error {
	accepted, err := call(ctx, o.as(agency, "handler"), o.routing.AcceptHandOver,
		&routingv1.AcceptHandOverRequest{RequestId: newRequestID(), Dossier: dossier})
	if err != nil {
		return err
	}
	if accepted.GetHolder() != agency {
		return fmt.Errorf("%s has accepted, and %s holds", agency, accepted.GetHolder())
	}
	step("%s takes it over", agency)
	return nil
}

func (o *office) work(ctx context.Context, dossier, agency, activity string) error {
	_, err := call(ctx, o.as(agency, "handler"), o.routing.CompleteWork,
		&routingv1.CompleteWorkRequest{RequestId: newRequestID(), Dossier: dossier, Activity: activity})
	if err == nil {
		step("%s: %s", agency, activity)
	}
	return err
}

// finish signs the result that was looked at: ExpectedVersion lets nobody change the dossier in between. Where somebody
// did, the call is ABORTED: look again, decide again; that is another action, and has another request_id.
func (o *office) finish(ctx context.Context, dossier string) error {
	handler := o.as(commune, "handler")
	seen := uint64(1) // long ago
	for attempt := 1; ; attempt++ {
		_, err := call(ctx, handler, o.routing.Finish, &routingv1.FinishRequest{
			RequestId: newRequestID(), Dossier: dossier, ExpectedVersion: seen, Outcome: feedv1.Outcome_OUTCOME_APPROVED})
		if err == nil && seen == 1 {
			return errors.New("an old version was accepted")
		}
		if err == nil {
			step("the result is ready")
			return nil
		}
		if status.Code(err) != codes.Aborted || attempt == 3 {
			return err
		}
		step("an old version is refused (%s); looking again", readRefusal(err).reason)
		now, err := call(ctx, handler, o.routing.GetRoute, &routingv1.GetRouteRequest{Dossier: dossier})
		if err != nil {
			return err
		}
		route := now.GetRoute()
		if route.GetHolder() != commune {
			return fmt.Errorf("%s holds it now", route.GetHolder())
		}
		seen = route.GetVersion()
	}
}

// readBack reads the dossier, its clock and its history.
func (o *office) readBack(ctx context.Context, code string) error {
	clerk := o.as(commune, "intake")
	returned, err := call(ctx, clerk, o.intake.GetDossier, &intakev1.GetDossierRequest{Dossier: code})
	if err != nil {
		return err
	}
	dossier := returned.GetDossier()
	if dossier.GetStatus() != commonv1.DossierStatus_DOSSIER_STATUS_RETURNED {
		return fmt.Errorf("the dossier is %v", dossier.GetStatus())
	}
	answer, err := call(ctx, clerk, o.deadline.GetClock, &deadlinev1.GetClockRequest{Dossier: code})
	if err != nil {
		return err
	}
	clock := answer.GetClock()
	if clock.GetLate() || clock.GetDue().GetDate() != dossier.GetOriginalDue().GetDate() {
		return fmt.Errorf("the promise was not kept: %v", clock)
	}
	step("clock: promised for %s, on time", local(clock.GetDue().GetAppointment().AsTime()))
	told, err := call(ctx, clerk, o.routing.GetHistory, &routingv1.GetHistoryRequest{Dossier: code})
	if err != nil {
		return err
	}
	history := told.GetHistory()
	if !history.GetVerified() {
		return errors.New("the chain of the history is broken")
	}
	var actions []string
	for _, entry := range history.GetEntries() {
		actions = append(actions, entry.GetAction())
	}
	step("history: %s", strings.Join(actions, ", "))
	return nil
}

// showError sends what is wrong in several places: all of them come back at once.
func (o *office) showError(ctx context.Context) error {
	_, err := call(ctx, o.as(commune, "intake"), o.intake.File, &intakev1.FileRequest{
		RequestId: "short", ReceivingAgency: commune, Procedure: "không có",
		Applicant: &intakev1.Applicant{Email: "nobody"}})
	said := readRefusal(err)
	if status.Code(err) != codes.InvalidArgument || said.reason != "INVALID_REQUEST" || said.message == "" ||
		len(said.violations) != 4 {
		return fmt.Errorf("a bad request is refused with all that is wrong, not so: %w (%+v)", err, said)
	}
	step("a bad request: %s: %s", said.reason, said.message)
	for _, violation := range said.violations {
		step("  %s: %s: %s", violation.GetField(), violation.GetReason(), violation.GetLocalizedMessage().GetMessage())
	}
	return nil
}

// local is a moment as printed on the slip. The time zone is the jurisdiction's.
func local(at time.Time) string { return at.In(time.FixedZone("", 7*3600)).Format("2006-01-02 15:04") }

func step(format string, values ...any) { fmt.Printf(format+"\n", values...) }

func main() {
	o, err := openOffice()
	if err == nil {
		err = live(context.Background(), o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if said := readRefusal(err); said.reason != "" {
			fmt.Fprintf(os.Stderr, "%s: %s\n", said.reason, said.message)
		}
		os.Exit(1)
	}
}
