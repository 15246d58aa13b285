package bench.peers.esper;

import bench.peers.records.Input;

/** One record of usage that counts, as an event: a plain object; EPL compiles to its getters. */
public final class Usage {
  /** Seeds are looked up in its bit set. */
  static Input input;

  private final long subscriber;
  private final long usageBytes;
  private final int dayIndex;
  private final int monthIndex;

  Usage(long subscriber, long usageBytes, int dayIndex, int monthIndex) {
    this.subscriber = subscriber;
    this.usageBytes = usageBytes;
    this.dayIndex = dayIndex;
    this.monthIndex = monthIndex;
  }

  public long getSubscriber() {
    return subscriber;
  }

  public long getUsageBytes() {
    return usageBytes;
  }

  /** Days since the Unix epoch, found by the reader: cheaper than EPL's methods of dates. */
  public int getDayIndex() {
    return dayIndex;
  }

  /** Months since January of year 0. */
  public int getMonthIndex() {
    return monthIndex;
  }

  /** Asked last, of the few records whose sums suffice. */
  public boolean isSeed() {
    return input.isSeed(subscriber);
  }
}
