package bench.peers.flink;

import java.nio.ByteBuffer;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * The log as a source: from files in parts, one for each reader ({@link FileReader}), or from
 * JetStream, a stream for each ({@link StreamReader}). What does not count is left out in the readers,
 * before anything else sees it.
 */
final class UsageSource implements Source<Usage, UsageSource.Part, Integer> {
  private static final long serialVersionUID = 1L;
  /**
   * What one reader reads next: of files, the record at a position; of JetStream, the message of a
   * sequence.
   */
  record Part(int reader, long next) implements SourceSplit {
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
    return Run.streams == null ? new FileReader() : new StreamReader();
  }

  @Override
  public SimpleVersionedSerializer<Part> getSplitSerializer() {
    return new Bytes<>() {
      @Override
      public byte[] serialize(Part part) {
        return ByteBuffer.allocate(12).putInt(part.reader()).putLong(part.next()).array();
      }

      @Override
      public Part deserialize(int version, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new Part(buffer.getInt(), buffer.getLong());
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
      context.assignSplit(new Part(subtask, Run.streams == null ? 0 : 1), subtask);
      context.signalNoMoreSplits(subtask);
    }

    @Override
    public Integer snapshotState(long checkpointId) {
      return 0;
    }

    @Override
    public void close() {}
  }
}
