package bench.peers.records;

/**
 * For a log that one reader reads from its first record to its last, as Highwater does: the fill;
 * then warm-up, so many seconds since the start or up to a record, whichever comes first; then what
 * is measured, for so many seconds or to the end. Whole batches.
 */
public final class StreamWindow extends Window {
  private final Input input;
  private final int warmUpRecords;
  private int position;
  private int measuredFrom;

  /** {@code warmUpRecords}: records after the fill that are warm-up at most. */
  public StreamWindow(
      Input input, double warmUpSeconds, int warmUpRecords, double measureSeconds) {
    super(warmUpSeconds, measureSeconds);
    this.input = input;
    this.warmUpRecords = warmUpRecords;
  }

  /** Whether the reader is to go on: asked before every batch. */
  public boolean goesOn() {
    if (position >= input.records) return false;
    if (position < input.fill) return true;
    long nowNs = System.nanoTime();
    if (isMeasuring()) return nowNs - measuredFromNs < measureNs;
    if (nowNs - startedNs < warmUpNs && position < input.fill + warmUpRecords) return true;
    measuredFrom = position;
    measuredFromNs = nowNs;
    return true;
  }

  /** The reader hands over a batch of so many. */
  public void take(int records) {
    position += records;
  }

  @Override
  public int recordsSeen() {
    return position;
  }

  @Override
  public int recordsMeasured() {
    return position - measuredFrom;
  }
}
