package bench.peers.records;

/**
 * What an engine reads when from files: the fill; then warm-up, the records after the fill over and over in
 * earlier centuries and in another order, until so many seconds have passed since the start; then
 * the records after the fill for good, until their end or until the time for measuring is over.
 * Readers may be several threads, each with a {@link Reader} of its own; all stop before the same
 * record.
 */
public final class Pace extends Window {
  /** A prime: each record of warm-up is so far from the last, around and around. */
  private static final int STRIDE = 15_485_863;
  /** Records beyond the furthest reader at which all stop when the time is over. */
  private static final int STOP_MARGIN = 50_000;

  private final Input input;
  private final Reader[] readers;
  private volatile int end;

  public Pace(Input input, int readers, double warmUpSeconds, double measureSeconds) {
    super(warmUpSeconds, measureSeconds);
    this.input = input;
    this.readers = new Reader[readers];
    end = input.records;
  }

  /** Reader number {@code number}, which begins at the fill. */
  public synchronized Reader reader(int number) {
    readers[number] = new Reader();
    return readers[number];
  }

  @Override
  public String recordsSeen() {
    return String.valueOf(end);
  }

  @Override
  public int recordsMeasured() {
    return end - input.fill;
  }

  private synchronized void startMeasuring(long nowNs) {
    if (measuredFromNs == 0) measuredFromNs = nowNs;
  }

  private synchronized void stopMeasuring() {
    if (end < input.records) return;
    int furthest = 0;
    for (Reader reader : readers) furthest = Math.max(furthest, reader.position);
    end = Math.min(input.records, furthest + STOP_MARGIN);
  }

  /** Where one thread stands. */
  public final class Reader {
    /** Records to read next are those from here; all before {@link #until} may be read at once. */
    public volatile int position;
    /** Added to the times of these records; 0 but for warm-up. */
    public long shiftMs;
    private boolean isMeasured;
    private int passes;

    /**
     * Index of the record at a position: the position itself but for warm-up. A state that has been
     * copied in the order of the log would lie in memory just as the log then asks for it.
     */
    public int index(int position) {
      if (shiftMs == 0) return position;
      long place = (long) (position - input.fill) * STRIDE + passes;
      return input.fill + (int) (place % (input.records - input.fill));
    }

    /**
     * Looks at the clock; to be called about every hundred records.
     *
     * @return where to read to before the next call, exclusive; {@link #position} when all is read
     */
    public int until(int atMost) {
      long nowNs = System.nanoTime();
      if (!isMeasured && position >= input.fill) {
        if (isMeasuring() || nowNs - startedNs >= warmUpNs) {
          startMeasuring(nowNs);
          isMeasured = true;
          position = input.fill;
          shiftMs = 0;
        } else if (shiftMs == 0 || position >= input.records) {
          passes++;
          position = input.fill;
          shiftMs = -passes * Days.CALENDAR_CYCLE_MS;
        }
      } else if (isMeasured && nowNs - measuredFromNs >= measureNs) {
        stopMeasuring();
      }
      int limit = isMeasured ? end : position < input.fill ? input.fill : input.records;
      return Math.max(position, Math.min(limit, position + atMost));
    }
  }
}
