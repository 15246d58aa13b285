package bench.peers.flink;

import bench.peers.records.Columns;
import bench.peers.records.Pace;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;

/**
 * Reads files: reader i the records of its subscribers, in log order, as from a partition of its
 * own.
 */
final class FileReader implements SourceReader<Usage, UsageSource.Part> {
  /** Records that are looked at in one go; a checkpoint waits for no more than these. */
  private static final int RECORDS_AT_ONCE = 256;

  private final CompletableFuture<Void> assigned = new CompletableFuture<>();
  private final Usage usage = new Usage();
  private final Columns columns = Run.columns;
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
      if (readerOf[index] != number || !columns.counts(index)) continue;
      usage.subscriber = columns.subscriber(index);
      usage.timeMs = columns.timeMs(index) + pace.shiftMs;
      usage.usageBytes = columns.usageBytes(index);
      output.collect(usage);
    }
    pace.position = position;
    return InputStatus.MORE_AVAILABLE;
  }

  @Override
  public List<UsageSource.Part> snapshotState(long checkpointId) {
    return pace == null ? List.of() : List.of(new UsageSource.Part(number, pace.position));
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return assigned;
  }

  @Override
  public void addSplits(List<UsageSource.Part> parts) {
    number = parts.get(0).reader();
    pace = Run.pace.reader(number);
    assigned.complete(null);
  }

  @Override
  public void notifyNoMoreSplits() {}

  @Override
  public void close() {}
}
