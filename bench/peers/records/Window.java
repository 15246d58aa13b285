package bench.peers.records;

/**
 * What is measured: after warm-up, from the first record given to an engine until it has worked off
 * the last one.
 */
public abstract class Window {
  protected final long startedNs = System.nanoTime();
  protected final long warmUpNs;
  protected final long measureNs;
  protected volatile long measuredFromNs;
  private volatile long measuredUntilNs;

  protected Window(double warmUpSeconds, double measureSeconds) {
    warmUpNs = (long) (warmUpSeconds * 1e9);
    measureNs = (long) (measureSeconds * 1e9);
  }

  /** Whether the records that are read now are measured. */
  public final boolean isMeasuring() {
    return measuredFromNs != 0;
  }

  /** An engine has worked off all that one of its readers gave it. */
  public final synchronized void finished() {
    measuredUntilNs = System.nanoTime();
  }

  /** From the first record after warm-up to the last one worked off. */
  public final double measuredSeconds() {
    return (measuredUntilNs - measuredFromNs) / 1e9;
  }

  /**
   * Records that the answer is about, from record 0 to where readers stopped; of several streams, a
   * number for each.
   */
  public abstract String recordsSeen();

  public abstract int recordsMeasured();
}
