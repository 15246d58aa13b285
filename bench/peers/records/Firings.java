package bench.peers.records;

import java.util.Arrays;

/**
 * Every time that the rule fired, in memory. A peer owes no more than this: no transaction, no
 * outbox, no broker that says that it has them. Safe for several threads: firings are rare.
 */
public final class Firings {
  private long[] subscribers = new long[1 << 16];
  private int[] months = new int[1 << 16];
  private int count;

  /** What takes firings one by one. */
  @FunctionalInterface
  public interface Taker {
    void take(long subscriber, int month);
  }

  /** Adds one; warm-up fires in a century of its own and is left out. */
  public synchronized void add(long subscriber, int month) {
    if (month < Days.MONTH_MEASURED_MIN) return;
    if (count == subscribers.length) {
      subscribers = Arrays.copyOf(subscribers, count * 2);
      months = Arrays.copyOf(months, count * 2);
    }
    subscribers[count] = subscriber;
    months[count] = month;
    count++;
  }

  public synchronized int size() {
    return count;
  }

  public synchronized void forEach(Taker taker) {
    for (int i = 0; i < count; i++) taker.take(subscribers[i], months[i]);
  }
}
