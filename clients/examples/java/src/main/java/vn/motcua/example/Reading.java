package vn.motcua.example;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BiConsumer;

/** A server's stream, read one message at a time, at the reader's pace; closing it breaks it off. */
final class Reading<Request, Response> implements ClientResponseObserver<Request, Response>, AutoCloseable {
  private final CountDownLatch announced = new CountDownLatch(1);
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private ClientCallStreamObserver<Request> call;

  private Reading() {}

  /**
   * Returns when the service has begun to serve the stream: nothing that comes from now on is missed.
   *
   * @param start opens the stream: a method of a stub, called with it and the observer
   */
  static <Q, R, S extends AbstractStub<S>> Reading<Q, R> open(S stub, BiConsumer<S, Reading<Q, R>> start)
      throws InterruptedException {
    Reading<Q, R> reading = new Reading<>();
    start.accept(stub.withInterceptors(reading.new Announcement()), reading);
    reading.announced.await();
    return reading;
  }

  /** Waits for the next message. */
  @SuppressWarnings("unchecked")
  Response next() throws InterruptedException {
    Object next = arrived.take();
    if (next instanceof StatusRuntimeException ended) throw ended;
    call.request(1);
    return (Response) next;
  }

  @Override
  public void close() {
    call.cancel("read enough", null);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Request> started) {
    call = started;
    call.disableAutoRequestWithInitial(1);
  }

  @Override
  public void onNext(Response message) {
    arrived.add(message);
  }

  @Override
  public void onError(Throwable error) {
    arrived.add(Status.fromThrowable(error).asRuntimeException(Status.trailersFromThrowable(error)));
  }

  @Override
  public void onCompleted() {
    arrived.add(Status.UNAVAILABLE.withDescription("the stream has ended").asRuntimeException());
  }

  /** Notes the initial metadata, or that none will come. */
  private final class Announcement implements ClientInterceptor {
    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel channel) {
      return new SimpleForwardingClientCall<>(channel.newCall(method, options)) {
        @Override
        public void start(Listener<R> listener, Metadata headers) {
          super.start(
              new SimpleForwardingClientCallListener<>(listener) {
                @Override
                public void onHeaders(Metadata received) {
                  announced.countDown();
                  super.onHeaders(received);
                }

                @Override
                public void onClose(Status status, Metadata trailers) {
                  announced.countDown();
                  super.onClose(status, trailers);
                }
              },
              headers);
        }
      };
    }
  }
}
