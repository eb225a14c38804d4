package vn.motcua.example;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.LocalizedMessage;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** What every caller of Motcua needs once: channels, request ids, and reading what an error says. */
final class Client {
  /**
   * UNAVAILABLE is for the channel: the service is away for a moment, or has not yet heard of what another one did. The same
   * message goes out again, with the same request_id, so nothing is done twice. ABORTED is not for the channel: somebody
   * else was first; look again and decide again (see {@link Life#finish}).
   */
  private static final Map<String, ?> SERVICE_CONFIG = Map.of("methodConfig", List.of(Map.of(
      "name", List.of(Map.of()),
      "waitForReady", true,
      "retryPolicy", Map.of(
          "maxAttempts", 5.0,
          "initialBackoff", "0.2s",
          "maxBackoff", "2s",
          "backoffMultiplier", 2.0,
          "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private Client() {}

  /** To the service whose host:port an environment variable tells. */
  static ManagedChannel dial(String variable) throws IOException {
    String address = System.getenv(variable);
    if (address == null) throw new IllegalStateException("set " + variable + "=host:port");
    return Grpc.newChannelBuilder(address, transportCredentials())
        .defaultServiceConfig(SERVICE_CONFIG)
        .enableRetry()
        .build();
  }

  /** TLS where MOTCUA_TLS_CA names the authority of the services' certificates, with our own certificate where there is one. */
  private static ChannelCredentials transportCredentials() throws IOException {
    String authority = System.getenv("MOTCUA_TLS_CA");
    if (authority == null) return InsecureChannelCredentials.create();
    var tls = TlsChannelCredentials.newBuilder().trustManager(new File(authority));
    String certificate = System.getenv("MOTCUA_TLS_CERT");
    if (certificate != null) tls.keyManager(new File(certificate), new File(System.getenv("MOTCUA_TLS_KEY")));
    return tls.build();
  }

  /** Made once for an action and sent with each of its repetitions: it takes effect once. */
  static String newRequestId() {
    return UUID.randomUUID().toString();
  }

  /**
   * What a service says with an error, for programs and for people.
   *
   * @param reason ErrorInfo.reason
   * @param message LocalizedMessage, to be shown to the officer
   * @param violations fields that are not as they must be, all at once
   */
  record Refusal(String reason, String message, List<BadRequest.FieldViolation> violations) {
    /** The details come in the trailer grpc-status-details-bin, as a google.rpc.Status. */
    static Refusal of(StatusRuntimeException error) throws InvalidProtocolBufferException {
      String reason = "";
      String message = "";
      List<BadRequest.FieldViolation> violations = new ArrayList<>();
      com.google.rpc.Status status = StatusProto.fromThrowable(error);
      for (Any detail : status == null ? List.<Any>of() : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) reason = detail.unpack(ErrorInfo.class).getReason();
        if (detail.is(LocalizedMessage.class)) message = detail.unpack(LocalizedMessage.class).getMessage();
        if (detail.is(BadRequest.class)) violations.addAll(detail.unpack(BadRequest.class).getFieldViolationsList());
      }
      return new Refusal(reason, message, violations);
    }
  }
}
