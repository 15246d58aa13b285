package bench.peers.records;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * For a log that is read from its first record to its last, as Highwater does, each of its streams
 * by a reader: the fill; then warm-up, so many seconds since the start or so many records,
 * whichever comes first; then what is measured, for so many seconds or to the end. Whole batches.
 * Readers may be several threads, which ask once per batch.
 */
public final class StreamWindow extends Window {
  private final Input input;
  private final int warmUpRecords;
  private final int[] positions;
  private int position;
  private int measuredFrom;
  private boolean isOver;

  /** {@code warmUpRecords}: records after the fill that are warm-up at most. */
  public StreamWindow(
      Input input, double warmUpSeconds, int warmUpRecords, double measureSeconds) {
    super(warmUpSeconds, measureSeconds);
    this.input = input;
    this.warmUpRecords = warmUpRecords;
    positions = new int[input.partitionRecords.length];
  }

  /** Whether the reader of a stream is to go on: asked before every batch. */
  public synchronized boolean goesOn(int partition) {
    if (isOver || positions[partition] >= input.partitionRecords[partition]) return false;
    if (position < input.fill) return true;
    long nowNs = System.nanoTime();
    if (isMeasuring()) {
      isOver = nowNs - measuredFromNs >= measureNs;
      return !isOver;
    }
    if (nowNs - startedNs < warmUpNs && position < input.fill + warmUpRecords) return true;
    measuredFrom = position;
    measuredFromNs = nowNs;
    return true;
  }

  /** The reader of a stream hands over a batch of so many. */
  public synchronized void take(int partition, int records) {
    positions[partition] += records;
    position += records;
  }

  @Override
  public synchronized String recordsSeen() {
    return Arrays.stream(positions).mapToObj(String::valueOf).collect(Collectors.joining(" "));
  }

  @Override
  public synchronized int recordsMeasured() {
    return position - measuredFrom;
  }
}
