"""One dossier's life, from its filing to the result in the citizen's hand, by four services of Motcua."""

import sys

import grpc

from motcua.common.v1 import types_pb2
from motcua.deadline.v1 import deadline_pb2, deadline_pb2_grpc
from motcua.feed.v1 import event_pb2, feed_pb2, feed_pb2_grpc
from motcua.intake.v1 import dossier_pb2, intake_pb2, intake_pb2_grpc
from motcua.notification.v1 import notification_pb2, notification_pb2_grpc
from motcua.routing.v1 import routing_pb2, routing_pb2_grpc

from motcua_client import DEADLINE_SECONDS, Refusal, call, channel, metadata, new_request_id
from sign_in import sign_in

SHARD = "H30"
COMMUNE = "H30.18.05"
FINANCE = "H30.18.TC"
PROCEDURE = "1.001612"  # registers a household business: commune, the district's finance office, and back

intake_channel = channel("MOTCUA_INTAKE")
intake = intake_pb2_grpc.IntakeServiceStub(intake_channel)
intake_feed = feed_pb2_grpc.FeedServiceStub(intake_channel)
routing = routing_pb2_grpc.RoutingServiceStub(channel("MOTCUA_ROUTING"))
deadline = deadline_pb2_grpc.DeadlineServiceStub(channel("MOTCUA_DEADLINE"))
notification = notification_pb2_grpc.NotificationServiceStub(channel("MOTCUA_NOTIFICATION"))


def main() -> None:
    filed = file()
    code = filed.dossier.code
    show_inbox(code, hand_over=lambda: offer(code, COMMUNE))
    accept(code, FINANCE)
    work(code, FINANCE, "Thẩm định, cấp giấy chứng nhận")
    offer(code, FINANCE)
    accept(code, COMMUNE)
    finish(code)
    returned = call(
        intake.ReturnResult,
        intake_pb2.ReturnResultRequest(request_id=new_request_id(), dossier=code, mode="desk"),
        sign_in(COMMUNE, "returner"),
    )
    step("the commune hands the result out")
    read_back(code)
    show_error()
    show_feed(code, filed.written.feed_position, returned.written.feed_position)


def file() -> intake_pb2.FileResponse:
    """Files and accepts a complete application at the desk. No later call has to wait for anything."""
    clerk = sign_in(COMMUNE, "intake")
    procedure = call(
        intake.GetProcedure, intake_pb2.GetProcedureRequest(shard=SHARD, procedure=PROCEDURE), clerk
    ).procedure
    step(f"procedure {procedure.code}, {procedure.name}: {len(procedure.components)} papers")
    filed = call(
        intake.File,
        intake_pb2.FileRequest(
            request_id=new_request_id(),
            receiving_agency=COMMUNE,
            procedure=procedure.code,
            applicant=dossier_pb2.Applicant(name="Nguyễn Thị Hoa"),
            components=[dossier_pb2.Component(name=name) for name in procedure.components],
            accept=True,
        ),
        clerk,
    )
    step(f"filed and accepted: {filed.dossier.code}, promised for {filed.dossier.due.date}")
    return filed


def offer(code: str, agency: str) -> None:
    offered = call(
        routing.OfferHandOver,
        routing_pb2.OfferHandOverRequest(request_id=new_request_id(), dossier=code),
        sign_in(agency, "handler"),
    )
    expect(offered.holder == agency, "the sender holds until the receiver accepts")
    step(f"{agency} offers it to the next agency of the plan")


def accept(code: str, agency: str) -> None:
    accepted = call(
        routing.AcceptHandOver,
        routing_pb2.AcceptHandOverRequest(request_id=new_request_id(), dossier=code),
        sign_in(agency, "handler"),
    )
    expect(accepted.holder == agency, "who accepts holds")
    step(f"{agency} takes it over")


def work(code: str, agency: str, activity: str) -> None:
    call(
        routing.CompleteWork,
        routing_pb2.CompleteWorkRequest(request_id=new_request_id(), dossier=code, activity=activity),
        sign_in(agency, "handler"),
    )
    step(f"{agency}: {activity}")


def finish(code: str) -> None:
    """Signs the result that was looked at: `expected_version` lets nobody change the dossier in between. Where somebody
    did, the call is ABORTED: look again, decide again; that is another action, and has another request_id."""
    handler = sign_in(COMMUNE, "handler")
    expected = 1  # seen long ago
    for _ in range(3):
        request = routing_pb2.FinishRequest(
            request_id=new_request_id(),
            dossier=code,
            expected_version=expected,
            outcome=event_pb2.OUTCOME_APPROVED,
        )
        try:
            finished = call(routing.Finish, request, handler)
        except grpc.RpcError as error:
            refusal = Refusal(error)
            expect(refusal.code == grpc.StatusCode.ABORTED, f"ABORTED, not {refusal.code} {refusal.text}")
            step(f"an old version is refused ({refusal.reason}); looking again")
            route = call(routing.GetRoute, routing_pb2.GetRouteRequest(dossier=code), handler).route
            expect(route.holder == COMMUNE, "the commune still holds it")
            expected = route.version
            continue
        expect(expected != 1, "an old version is refused")
        expect(finished.status == types_pb2.DOSSIER_STATUS_RESULT_READY, "the result is ready")
        step("the result is ready")
        return
    expect(False, "nobody else changes this dossier")


def read_back(code: str) -> None:
    """Clock and history."""
    clerk = sign_in(COMMUNE, "intake")
    dossier = call(intake.GetDossier, intake_pb2.GetDossierRequest(dossier=code), clerk).dossier
    expect(dossier.status == types_pb2.DOSSIER_STATUS_RETURNED, "the dossier is returned")
    clock = call(deadline.GetClock, deadline_pb2.GetClockRequest(dossier=code), clerk).clock
    expect(clock.due.date == dossier.original_due.date and not clock.late, "the promise was kept")
    appointment = clock.due.appointment.ToJsonString()
    step(f"clock: promised for {clock.due.date} ({appointment}), {'late' if clock.late else 'on time'}")
    history = call(routing.GetHistory, routing_pb2.GetHistoryRequest(dossier=code), clerk).history
    expect(history.verified, "the chain of the history is whole")
    step("history: " + ", ".join(entry.action for entry in history.entries))


def show_error() -> None:
    """A request that is wrong in three places: all of them come back at once."""
    request = intake_pb2.FileRequest(
        request_id="short", receiving_agency=COMMUNE, procedure="không có", applicant={"email": "nobody"}
    )
    try:
        call(intake.File, request, sign_in(COMMUNE, "intake"))
    except grpc.RpcError as error:
        refusal = Refusal(error)
        expect(refusal.code == grpc.StatusCode.INVALID_ARGUMENT, "a bad request is INVALID_ARGUMENT")
        expect(refusal.reason == "INVALID_REQUEST" and len(refusal.violations) >= 3, "it tells all")
        step(f"a bad request: {refusal.reason}: {refusal.message}")
        for violation in refusal.violations:
            expect(violation.reason != "", "each violation has its reason")
            step(f"  {violation.field}: {violation.reason}: {violation.localized_message.message}")
    else:
        expect(False, "a bad request is refused")


def show_feed(code: str, first: int, last: int) -> None:
    """Intake's events of the dossier: read from a position, broken off, resumed by position and epoch. A consumer writes
    both into its own database, in the transaction that has the effect of the events."""
    reader = sign_in(SHARD, "feed")
    position, epoch, actions = first - 1, 0, []
    for stop_after_one in (True, False):
        # The last event came with ReturnResult; a consumer that runs for ever has no deadline and no end here.
        stream = intake_feed.Read(
            feed_pb2.ReadRequest(shard=SHARD, after=position, epoch=epoch, subjects=[code], max_batch=1),
            timeout=DEADLINE_SECONDS,
            metadata=metadata(reader),
        )
        for batch in stream:
            expect(not batch.HasField("ended"), "nothing was lost")
            actions += [event.WhichOneof("body") for event in batch.events]
            position, epoch = batch.position, batch.epoch or epoch
            if position >= last or (stop_after_one and batch.events):
                break
        stream.cancel()
        step(f"feed: {', '.join(actions)}; up to position {position} in epoch {epoch}")
    expect(actions[-1] == "result_returned" and len(actions) == len(set(actions)), "each event once, in order")


def show_inbox(code: str, hand_over) -> None:
    """The inbox of an agency, followed from now on; broken off, and resumed from where it had come to."""
    recipient, officer = "agency:" + FINANCE, sign_in(FINANCE, "handler")

    def subscribe(after: str):
        stream = notification.Subscribe(
            notification_pb2.SubscribeRequest(shard=SHARD, recipient=recipient, after=after),
            timeout=DEADLINE_SECONDS,
            metadata=metadata(officer),
        )
        # The first step comes at once, and tells from where: whatever comes behind it is not missed.
        first = next(stream)
        expect(not first.HasField("message") and first.resume != "", "the first step tells from where")
        return stream, first.resume

    stream, resume = subscribe(after="")
    stream.cancel()
    # While nobody listens.
    hand_over()
    stream, resume = subscribe(resume)
    told = next(told for told in stream if told.message.dossier == code)
    stream.cancel()
    step(f"inbox of {FINANCE}: {told.message.subject}")

    # The offer is taken back and made again.
    call(
        routing.RecallHandOver,
        routing_pb2.RecallHandOverRequest(request_id=new_request_id(), dossier=code),
        sign_in(COMMUNE, "handler"),
    )
    hand_over()
    stream, resume = subscribe(told.resume)
    again = next(told for told in stream if told.message.dossier == code)
    stream.cancel()
    expect(
        again.message.id != told.message.id and again.message.event == "HandOverOffered",
        "nothing is missed, nothing comes twice",
    )
    step(f"inbox of {FINANCE}, resumed: {again.message.subject}")


def step(text: str) -> None:
    print(text, flush=True)


def expect(right: bool, what: str) -> None:
    if not right:
        sys.exit(f"not as it should be: {what}")


if __name__ == "__main__":
    try:
        main()
    except grpc.RpcError as failure:
        refused = Refusal(failure)
        sys.exit(f"{refused.code.name} {refused.reason}: {refused.text}\n{refused.message}")
