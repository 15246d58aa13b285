package bench.peers.flink;

import bench.peers.records.Input;
import bench.peers.records.StoredUsage;
import bench.peers.records.StreamWindow;
import bench.peers.records.UsageBatch;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;

/**
 * Reads a stored stream, message by message, straight into the one record object. The sequence to
 * go on from stands in each checkpoint.
 */
final class StreamReader implements SourceReader<Usage, UsageSource.Part> {
  private static final CompletableFuture<Void> NOW = CompletableFuture.completedFuture(null);
  private static final int WAIT_MS = 10;

  private final CompletableFuture<Void> assigned = new CompletableFuture<>();
  private final Usage usage = new Usage();
  private final UsageBatch batch = new UsageBatch(Run.input);
  private final StreamWindow window = Run.streamWindow;
  private int number;
  private StoredUsage stored;

  @Override
  public void start() {}

  @Override
  public InputStatus pollNext(ReaderOutput<Usage> output) throws Exception {
    if (stored == null) return InputStatus.NOTHING_AVAILABLE;
    if (!window.goesOn(number)) return InputStatus.END_OF_INPUT;
    byte[] message = stored.next(WAIT_MS);
    if (message == null) return InputStatus.MORE_AVAILABLE;
    int count = batch.read(message);
    window.take(number, count);
    for (int i = 0; i < count; i++) {
      if (!batch.counts(i)) continue;
      usage.subscriber = batch.subscriber(i);
      usage.timeMs = batch.timeMs(i);
      usage.usageBytes = batch.usageBytes(i);
      output.collect(usage);
    }
    return InputStatus.MORE_AVAILABLE;
  }

  @Override
  public List<UsageSource.Part> snapshotState(long checkpointId) {
    if (stored == null) return List.of();
    return List.of(new UsageSource.Part(number, stored.nextSequence()));
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return stored == null ? assigned : NOW;
  }

  @Override
  public void addSplits(List<UsageSource.Part> parts) {
    number = parts.get(0).reader();
    try {
      stored = Run.streams.open(number, parts.get(0).next());
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
    assigned.complete(null);
  }

  @Override
  public void notifyNoMoreSplits() {}

  @Override
  public void close() throws Exception {
    if (stored != null) stored.close();
  }
}
