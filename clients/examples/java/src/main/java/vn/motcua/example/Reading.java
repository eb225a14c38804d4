package vn.motcua.example;

import io.grpc.Context;
import java.util.Iterator;
import java.util.function.Supplier;

/** A server's stream, read one message at a time, at the reader's pace; closing it breaks it off. */
final class Reading<Response> implements AutoCloseable {
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final Iterator<Response> responses;

  /**
   * Opens the stream.
   *
   * @param start the call of a blocking stub; made here, so that it ends with this context
   */
  Reading(Supplier<Iterator<Response>> start) {
    Context before = context.attach();
    try {
      responses = start.get();
    } finally {
      context.detach(before);
    }
  }

  /** Waits for the next message; throws StatusRuntimeException where the stream ends. */
  Response next() {
    return responses.next();
  }

  @Override
  public void close() {
    context.cancel(null);
  }
}
