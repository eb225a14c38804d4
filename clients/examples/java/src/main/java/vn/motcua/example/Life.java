package vn.motcua.example;

import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest.FieldViolation;
import io.grpc.CallCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import vn.motcua.common.v1.DossierStatus;
import vn.motcua.common.v1.HistoryEntry;
import vn.motcua.deadline.v1.DeadlineServiceGrpc;
import vn.motcua.deadline.v1.DeadlineServiceGrpc.DeadlineServiceBlockingStub;
import vn.motcua.deadline.v1.GetClockRequest;
import vn.motcua.feed.v1.Event;
import vn.motcua.feed.v1.FeedServiceGrpc;
import vn.motcua.feed.v1.FeedServiceGrpc.FeedServiceBlockingStub;
import vn.motcua.feed.v1.Outcome;
import vn.motcua.feed.v1.ReadRequest;
import vn.motcua.feed.v1.ReadResponse;
import vn.motcua.intake.v1.Applicant;
import vn.motcua.intake.v1.Component;
import vn.motcua.intake.v1.FileRequest;
import vn.motcua.intake.v1.FileResponse;
import vn.motcua.intake.v1.GetDossierRequest;
import vn.motcua.intake.v1.GetProcedureRequest;
import vn.motcua.intake.v1.IntakeServiceGrpc;
import vn.motcua.intake.v1.IntakeServiceGrpc.IntakeServiceBlockingStub;
import vn.motcua.intake.v1.ReturnResultRequest;
import vn.motcua.notification.v1.NotificationServiceGrpc;
import vn.motcua.notification.v1.NotificationServiceGrpc.NotificationServiceBlockingStub;
import vn.motcua.notification.v1.SubscribeRequest;
import vn.motcua.notification.v1.SubscribeResponse;
import vn.motcua.routing.v1.AcceptHandOverRequest;
import vn.motcua.routing.v1.CompleteWorkRequest;
import vn.motcua.routing.v1.FinishRequest;
import vn.motcua.routing.v1.GetHistoryRequest;
import vn.motcua.routing.v1.GetRouteRequest;
import vn.motcua.routing.v1.OfferHandOverRequest;
import vn.motcua.routing.v1.RecallHandOverRequest;
import vn.motcua.routing.v1.RoutingServiceGrpc;
import vn.motcua.routing.v1.RoutingServiceGrpc.RoutingServiceBlockingStub;

/** One dossier's life, from its filing to the result in the citizen's hand, by four services of Motcua. */
public final class Life implements AutoCloseable {
  private static final String SHARD = "H30";
  private static final String COMMUNE = "H30.18.05";
  private static final String FINANCE = "H30.18.TC";
  /** Registers a household business: commune, the district's finance office, and back. */
  private static final String PROCEDURE = "1.001612";

  /** How long a call may take, its retries included. A stream that is followed for ever has no deadline. */
  private static final int DEADLINE_SECONDS = 15;

  /** The time zone is the jurisdiction's. */
  private static final DateTimeFormatter LOCAL =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(ZoneId.of("Asia/Ho_Chi_Minh"));

  // One channel to each service is enough for the whole process.
  private final ManagedChannel toIntake = Client.dial("MOTCUA_INTAKE");
  private final ManagedChannel toRouting = Client.dial("MOTCUA_ROUTING");
  private final ManagedChannel toDeadline = Client.dial("MOTCUA_DEADLINE");
  private final ManagedChannel toNotification = Client.dial("MOTCUA_NOTIFICATION");
  private final IntakeServiceBlockingStub intake = IntakeServiceGrpc.newBlockingStub(toIntake);
  private final FeedServiceBlockingStub intakeFeed = FeedServiceGrpc.newBlockingStub(toIntake);
  private final RoutingServiceBlockingStub routing = RoutingServiceGrpc.newBlockingStub(toRouting);
  private final DeadlineServiceBlockingStub deadline = DeadlineServiceGrpc.newBlockingStub(toDeadline);
  private final NotificationServiceBlockingStub notification = NotificationServiceGrpc.newBlockingStub(toNotification);
  private final SignIn signIn = SignIn.load();

  private Life() throws Exception {}

  public static void main(String[] arguments) throws Exception {
    try (Life life = new Life()) {
      life.live();
    } catch (StatusRuntimeException e) {
      System.err.println(e.getMessage() + "\n" + Client.Refusal.of(e));
      throw e;
    }
  }

  /** What follows upon what. No call has to wait for what the ones before have done to be known everywhere. */
  private void live() throws Exception {
    FileResponse filed = file();
    String dossier = filed.getDossier().getCode();
    showInbox(dossier); // and offers it to the finance office
    accept(dossier, FINANCE);
    work(dossier, FINANCE, "Thẩm định, cấp giấy chứng nhận");
    offer(dossier, FINANCE);
    accept(dossier, COMMUNE);
    finish(dossier);
    var returned = stub(intake, signIn.as(COMMUNE, "returner")).returnResult(ReturnResultRequest.newBuilder()
        .setRequestId(Client.newRequestId()).setDossier(dossier).setMode("desk").build());
    step("the commune hands the result out");
    readBack(dossier);
    showError();
    showFeed(dossier, filed.getWritten().getFeedPosition(), returned.getWritten().getFeedPosition());
  }

  /** Files and accepts a complete application at the desk. */
  private FileResponse file() {
    CallCredentials clerk = signIn.as(COMMUNE, "intake");
    var procedure = stub(intake, clerk)
        .getProcedure(GetProcedureRequest.newBuilder().setShard(SHARD).setProcedure(PROCEDURE).build())
        .getProcedure();
    step("procedure %s, %s: %d papers", procedure.getCode(), procedure.getName(), procedure.getComponentsCount());
    FileRequest.Builder application = FileRequest.newBuilder()
        .setRequestId(Client.newRequestId())
        .setReceivingAgency(COMMUNE)
        .setProcedure(PROCEDURE)
        .setApplicant(Applicant.newBuilder().setName("Nguyễn Thị Hoa"))
        .setAccept(true);
    for (String name : procedure.getComponentsList()) {
      application.addComponents(Component.newBuilder().setName(name));
    }
    FileRequest request = application.build();
    FileResponse filed = stub(intake, clerk).file(request);
    String code = filed.getDossier().getCode();
    step("filed and accepted: %s, promised for %s", code, filed.getDossier().getDue().getDate());

    // Had the answer been lost, the same request would go out again, with the same request_id.
    FileResponse again = stub(intake, clerk).file(request);
    expect(again.getWritten().getReplayed() && again.getDossier().getCode().equals(code), "nothing is filed twice");
    step("the same request again: the same dossier");
    return filed;
  }

  private void offer(String dossier, String agency) {
    var offered = stub(routing, signIn.as(agency, "handler")).offerHandOver(OfferHandOverRequest.newBuilder()
        .setRequestId(Client.newRequestId()).setDossier(dossier).build());
    expect(offered.getHolder().equals(agency), "the sender holds until the receiver accepts");
    step("%s offers it to the next agency of the plan", agency);
  }

  private void accept(String dossier, String agency) {
    var accepted = stub(routing, signIn.as(agency, "handler")).acceptHandOver(AcceptHandOverRequest.newBuilder()
        .setRequestId(Client.newRequestId()).setDossier(dossier).build());
    expect(accepted.getHolder().equals(agency), "who accepts holds");
    step("%s takes it over", agency);
  }

  private void work(String dossier, String agency, String activity) {
    stub(routing, signIn.as(agency, "handler")).completeWork(CompleteWorkRequest.newBuilder()
        .setRequestId(Client.newRequestId()).setDossier(dossier).setActivity(activity).build());
    step("%s: %s", agency, activity);
  }

  /**
   * Signs the result that was looked at: expected_version lets nobody change the dossier in between. Where somebody did, the
   * call is ABORTED: look again, decide again; that is another action, and has another request_id.
   */
  private void finish(String dossier) throws Exception {
    CallCredentials handler = signIn.as(COMMUNE, "handler");
    long seen = 1; // long ago
    for (int attempt = 1; ; ++attempt) {
      try {
        stub(routing, handler).finish(FinishRequest.newBuilder()
            .setRequestId(Client.newRequestId())
            .setDossier(dossier)
            .setExpectedVersion(seen)
            .setOutcome(Outcome.OUTCOME_APPROVED)
            .build());
        expect(seen != 1, "an old version is refused");
        step("the result is ready");
        return;
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.ABORTED || attempt == 3) throw e;
        step("an old version is refused (%s); looking again", Client.Refusal.of(e).reason());
        var route = stub(routing, handler).getRoute(GetRouteRequest.newBuilder().setDossier(dossier).build()).getRoute();
        expect(route.getHolder().equals(COMMUNE), "the commune still holds it");
        seen = route.getVersion();
      }
    }
  }

  /** The dossier, its clock and its history. */
  private void readBack(String code) {
    CallCredentials clerk = signIn.as(COMMUNE, "intake");
    var dossier = stub(intake, clerk).getDossier(GetDossierRequest.newBuilder().setDossier(code).build()).getDossier();
    expect(dossier.getStatus() == DossierStatus.DOSSIER_STATUS_RETURNED, "the dossier is returned");
    var clock = stub(deadline, clerk).getClock(GetClockRequest.newBuilder().setDossier(code).build()).getClock();
    expect(!clock.getLate() && clock.getDue().equals(dossier.getOriginalDue()), "the promise was kept");
    step("clock: promised for %s, on time", local(clock.getDue().getAppointment()));
    var history = stub(routing, clerk).getHistory(GetHistoryRequest.newBuilder().setDossier(code).build()).getHistory();
    expect(history.getVerified(), "the chain of the history is whole");
    step("history: %s",
        history.getEntriesList().stream().map(HistoryEntry::getAction).collect(Collectors.joining(", ")));
  }

  /** A request that is wrong in several places: all of them come back at once. */
  private void showError() throws Exception {
    FileRequest request = FileRequest.newBuilder()
        .setRequestId("short")
        .setReceivingAgency(COMMUNE)
        .setProcedure("không có")
        .setApplicant(Applicant.newBuilder().setEmail("nobody"))
        .build();
    try {
      stub(intake, signIn.as(COMMUNE, "intake")).file(request);
    } catch (StatusRuntimeException e) {
      Client.Refusal refusal = Client.Refusal.of(e);
      expect(e.getStatus().getCode() == Status.Code.INVALID_ARGUMENT && refusal.reason().equals("INVALID_REQUEST"),
          "a bad request is INVALID_ARGUMENT");
      expect(refusal.violations().size() == 4 && !refusal.message().isEmpty(), "it tells all");
      step("a bad request: %s: %s", refusal.reason(), refusal.message());
      for (FieldViolation violation : refusal.violations()) {
        step("  %s: %s: %s",
            violation.getField(), violation.getReason(), violation.getLocalizedMessage().getMessage());
      }
      return;
    }
    throw new IllegalStateException("a bad request was accepted");
  }

  /** The inbox of an agency, followed from now on; broken off, and gone on with where it was. */
  private void showInbox(String dossier) {
    SubscribeResponse first;
    SubscribeResponse second;
    try (var inbox = subscribe("")) {
      inbox.next(); // comes at once, without a message: what comes from now on is not missed
      offer(dossier, COMMUNE);
      first = next(inbox, dossier);
      stub(routing, signIn.as(COMMUNE, "handler")).recallHandOver(RecallHandOverRequest.newBuilder()
          .setRequestId(Client.newRequestId()).setDossier(dossier).build());
      step("%s takes the offer back", COMMUNE);
      offer(dossier, COMMUNE);
      second = next(inbox, dossier);
    }
    // One who has come to grief over the second message goes on behind the first.
    try (var inbox = subscribe(first.getResume())) {
      String again = next(inbox, dossier).getMessage().getId();
      expect(!second.getMessage().getId().equals(first.getMessage().getId())
          && again.equals(second.getMessage().getId()), "the first is followed by the second, as often as asked");
    }
  }

  /** Follows the inbox of the finance office on from a place; "" = from now on. */
  private Reading<SubscribeResponse> subscribe(String after) {
    return new Reading<>(() -> stub(notification, signIn.as(FINANCE, "handler")).subscribe(SubscribeRequest.newBuilder()
        .setShard(SHARD).setRecipient("agency:" + FINANCE).setAfter(after).build()));
  }

  /** Waits for the next message about a dossier. An application keeps its `resume` beside what it does about it. */
  private static SubscribeResponse next(Reading<SubscribeResponse> inbox, String dossier) {
    while (true) {
      SubscribeResponse read = inbox.next();
      if (!read.getMessage().getDossier().equals(dossier)) continue;
      step("inbox of %s: %s", FINANCE, read.getMessage().getSubject());
      return read;
    }
  }

  /** How far a feed has been read. A consumer writes it into its own database, in the transaction of the events' effect. */
  private record Cursor(long position, long epoch) {}

  /** Intake's events of the dossier: read from a position, broken off after the first, resumed by position and epoch. */
  private void showFeed(String dossier, long first, long last) {
    Cursor cursor = new Cursor(first - 1, 0);
    List<Event.BodyCase> told = new ArrayList<>();
    for (long until : new long[] {first, last}) {
      cursor = read(dossier, cursor, until, told);
      step("feed: %s; up to position %d in epoch %d", told, cursor.position(), cursor.epoch());
    }
    expect(told.equals(List.of(Event.BodyCase.DOSSIER_ACCEPTED, Event.BodyCase.RESULT_RETURNED)),
        "each event once, in order");
  }

  private Cursor read(String dossier, Cursor cursor, long until, List<Event.BodyCase> told) {
    while (cursor.position() < until) {
      var request = ReadRequest.newBuilder()
          .setShard(SHARD).setAfter(cursor.position()).setEpoch(cursor.epoch()).addSubjects(dossier).setMaxBatch(1).build();
      try (Reading<ReadResponse> reading =
          new Reading<>(() -> stub(intakeFeed, signIn.as(SHARD, "feed")).read(request))) {
        while (cursor.position() < until) {
          ReadResponse batch = reading.next();
          expect(!batch.hasEnded(), "nothing was lost");
          for (Event event : batch.getEventsList()) told.add(event.getBodyCase());
          cursor = new Cursor(batch.getPosition(), batch.getEpoch() != 0 ? batch.getEpoch() : cursor.epoch());
        }
      } catch (StatusRuntimeException e) {
        // So ends a stream of a service that stops: on from the cursor.
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) throw e;
      }
    }
    return cursor;
  }

  /** A stub for a call that begins now: who calls, and until when. */
  private static <S extends AbstractStub<S>> S stub(S stub, CallCredentials officer) {
    return stub.withCallCredentials(officer).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private static String local(Timestamp at) {
    return LOCAL.format(Instant.ofEpochSecond(at.getSeconds()));
  }

  private static void step(String format, Object... values) {
    System.out.println(format.formatted(values));
  }

  private static void expect(boolean right, String what) {
    if (!right) throw new IllegalStateException("not as it should be: " + what);
  }

  @Override
  public void close() {
    for (ManagedChannel channel : List.of(toIntake, toRouting, toDeadline, toNotification)) channel.shutdownNow();
  }
}
