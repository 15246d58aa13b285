package bench.peers.flink;

import bench.peers.records.Input;
import bench.peers.records.Pace;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Reads the input from memory: reader i the records of its subscribers, in log order, as from a
 * partition of its own. What does not count is left out here, before anything else sees it.
 */
final class UsageSource implements Source<Usage, UsageSource.Part, Integer> {
  private static final long serialVersionUID = 1L;
  /** Records that are looked at in one go; a checkpoint waits for no more than these. */
  private static final int RECORDS_AT_ONCE = 256;

  /** The records of one reader, from a position on. */
  record Part(int reader, int position) implements SourceSplit {
    @Override
    public String splitId() {
      return "part-" + reader;
    }
  }

  @Override
  public Boundedness getBoundedness() {
    // A stream as in production: checkpoints go on, nothing is planned as a batch.
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SplitEnumerator<Part, Integer> createEnumerator(SplitEnumeratorContext<Part> context) {
    return new Parts(context);
  }

  @Override
  public SplitEnumerator<Part, Integer> restoreEnumerator(
      SplitEnumeratorContext<Part> context, Integer checkpoint) {
    return new Parts(context);
  }

  @Override
  public SourceReader<Usage, Part> createReader(SourceReaderContext context) {
    return new Reader();
  }

  @Override
  public SimpleVersionedSerializer<Part> getSplitSerializer() {
    return new Bytes<>() {
      @Override
      public byte[] serialize(Part part) {
        return ByteBuffer.allocate(8).putInt(part.reader()).putInt(part.position()).array();
      }

      @Override
      public Part deserialize(int version, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new Part(buffer.getInt(), buffer.getInt());
      }
    };
  }

  @Override
  public SimpleVersionedSerializer<Integer> getEnumeratorCheckpointSerializer() {
    return new Bytes<>() {
      @Override
      public byte[] serialize(Integer value) {
        return ByteBuffer.allocate(4).putInt(value).array();
      }

      @Override
      public Integer deserialize(int version, byte[] bytes) {
        return ByteBuffer.wrap(bytes).getInt();
      }
    };
  }

  private abstract static class Bytes<T> implements SimpleVersionedSerializer<T> {
    @Override
    public int getVersion() {
      return 1;
    }
  }

  /** Each reader gets one part. */
  private record Parts(SplitEnumeratorContext<Part> context)
      implements SplitEnumerator<Part, Integer> {
    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void addSplitsBack(List<Part> parts, int subtask) {}

    @Override
    public void addReader(int subtask) {
      context.assignSplit(new Part(subtask, 0), subtask);
      context.signalNoMoreSplits(subtask);
    }

    @Override
    public Integer snapshotState(long checkpointId) {
      return 0;
    }

    @Override
    public void close() {}
  }

  private static final class Reader implements SourceReader<Usage, Part> {
    private final CompletableFuture<Void> assigned = new CompletableFuture<>();
    private final Usage usage = new Usage();
    private final Input input = Run.input;
    private final byte[] readerOf = Run.readerOf;
    private Pace.Reader pace;
    private int number;

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<Usage> output) {
      if (pace == null) return InputStatus.NOTHING_AVAILABLE;
      int until = pace.until(RECORDS_AT_ONCE);
      int position = pace.position;
      if (until == position) return InputStatus.END_OF_INPUT;
      for (; position < until; position++) {
        int index = pace.index(position);
        if (readerOf[index] != number || !input.counts(index)) continue;
        usage.subscriber = input.subscriber(index);
        usage.timeMs = input.timeMs(index) + pace.shiftMs;
        usage.usageBytes = input.usageBytes(index);
        output.collect(usage);
      }
      pace.position = position;
      return InputStatus.MORE_AVAILABLE;
    }

    @Override
    public List<Part> snapshotState(long checkpointId) {
      return pace == null ? List.of() : List.of(new Part(number, pace.position));
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return assigned;
    }

    @Override
    public void addSplits(List<Part> parts) {
      number = parts.get(0).reader();
      pace = Run.pace.reader(number);
      assigned.complete(null);
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }
}
