package bench.peers.records;

import io.nats.client.Connection;
import io.nats.client.JetStreamReader;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.PullSubscribeOptions;
import io.nats.client.PushSubscribeOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.impl.ErrorListenerLoggerImpl;
import java.time.Duration;

/**
 * The usage of a stored stream in its order, by NATS' own client: the very messages that Highwater
 * reads. Nothing is acknowledged: the place to go on from belongs to the state of who reads.
 */
public final class StoredUsage implements AutoCloseable {
  private static final String SUBJECT = "usage.>";
  private static final int BUFFER_BYTES = 1 << 20;
  /** Messages asked for at once, and how many are left when more are asked for. */
  private static final int PULLED = 512;

  private static final int PULLED_AGAIN_AT = 256;
  private static final Duration NO_LONGER = Duration.ofMinutes(5);
  private static final long SILENCE_NS_MAX = 30_000_000_000L;

  /** Streams IN_0, IN_1, … of a server, and how to read them: {@code pull} or {@code push}. */
  public record Streams(String url, String form) {
    /** Of {@code FORM:URL}; null for {@code files}: the log lies in files. */
    public static Streams of(String log) {
      if (log.equals("files")) return null;
      String[] formAndUrl = log.split(":", 2);
      return new Streams(formAndUrl[1], formAndUrl[0]);
    }

    /** Reads one from a sequence on. */
    public StoredUsage open(int partition, long sequence) throws Exception {
      return new StoredUsage(this, "IN_" + partition, sequence);
    }

    /** The client's version, which stands in its file's name only, and how it reads. */
    public String describe() {
      String path = Nats.class.getProtectionDomain().getCodeSource().getLocation().getPath();
      String client = path.substring(path.lastIndexOf('/') + 1);
      String how =
          form.equals("push")
              ? "an ordered push consumer with flow control"
              : "a pull consumer, " + PULLED + " messages at once";
      return "streams read by " + client + ", " + how;
    }
  }

  private final Connection connection;
  private final JetStreamSubscription subscription;
  private final JetStreamReader reader;
  private long nextSequence;
  private long consumerSequence;
  private long lastMessageNs = System.nanoTime();

  private StoredUsage(Streams streams, String stream, long sequence) throws Exception {
    nextSequence = sequence;
    Options options =
        new Options.Builder()
            .server(streams.url())
            .maxReconnects(0)
            .bufferSize(BUFFER_BYTES)
            .receiveBufferSize(BUFFER_BYTES)
            .errorListener(new ErrorListenerLoggerImpl())
            .build();
    connection = Nats.connect(options);
    ConsumerConfiguration.Builder consumer =
        ConsumerConfiguration.builder()
            .deliverPolicy(DeliverPolicy.ByStartSequence)
            .startSequence(sequence)
            .ackPolicy(AckPolicy.None);
    if (streams.form().equals("push")) {
      var how = PushSubscribeOptions.builder().stream(stream).ordered(true);
      subscription =
          connection
              .jetStream()
              .subscribe(SUBJECT, how.configuration(consumer.build()).build());
      reader = null;
    } else {
      consumer.memStorage(true).inactiveThreshold(NO_LONGER);
      var how = PullSubscribeOptions.builder().stream(stream);
      subscription =
          connection
              .jetStream()
              .subscribe(SUBJECT, how.configuration(consumer.build()).build());
      reader = subscription.reader(PULLED, PULLED_AGAIN_AT);
    }
  }

  /** The next message's bytes; null when there is none within so many ms. */
  public byte[] next(long withinMs) throws Exception {
    Message message =
        reader == null ? subscription.nextMessage(withinMs) : reader.nextMessage(withinMs);
    if (message == null) {
      if (System.nanoTime() - lastMessageNs < SILENCE_NS_MAX) return null;
      throw new IllegalStateException("no usage for long, before message " + nextSequence);
    }
    lastMessageNs = System.nanoTime();
    var place = message.metaData();
    consumerSequence++;
    // An ordered consumer counts anew after a gap, which it has mended; a pulled one must have none.
    if (reader != null && place.consumerSequence() != consumerSequence) {
      throw new IllegalStateException("a message was lost before " + place.streamSequence());
    }
    nextSequence = place.streamSequence() + 1;
    return message.getData();
  }

  /** Where a reader goes on that has worked off all that was given out. */
  public long nextSequence() {
    return nextSequence;
  }

  @Override
  public void close() throws Exception {
    subscription.unsubscribe();
    connection.close();
  }
}
