package bench.peers.esper;

import bench.peers.records.Days;
import bench.peers.records.Input;
import bench.peers.records.StoredUsage;
import bench.peers.records.StreamWindow;
import bench.peers.records.UsageBatch;
import com.espertech.esper.common.client.EventSender;
import com.espertech.esper.runtime.client.EPEventService;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * A log in JetStream: this thread reads it. One runtime is fed by this thread, too; several have a
 * thread each, which gets every message and takes its subscribers.
 */
record StreamReading(Input input, StoredUsage.Stream stream, StreamWindow window) {
  private static final int WAIT_MS = 1_000;
  private static final int MESSAGES_AHEAD = 64;
  private static final byte[] END = new byte[0];

  /** Takes messages one by one. */
  @FunctionalInterface
  private interface Taker {
    void take(byte[] message) throws InterruptedException;
  }

  void run(EPEventService[] services) throws Exception {
    if (services.length == 1) {
      Feeder feeder = new Feeder(0, 1, services[0].getEventSender("Usage"));
      read(feeder::feed);
    } else {
      feedThreads(services);
    }
    window.finished();
  }

  private void feedThreads(EPEventService[] services) throws Exception {
    Thread[] workers = new Thread[services.length];
    @SuppressWarnings({"unchecked", "rawtypes"})
    BlockingQueue<byte[]>[] queues = new BlockingQueue[workers.length];
    for (int i = 0; i < workers.length; i++) {
      BlockingQueue<byte[]> queue = new ArrayBlockingQueue<>(MESSAGES_AHEAD);
      Feeder feeder = new Feeder(i, workers.length, services[i].getEventSender("Usage"));
      queues[i] = queue;
      workers[i] = new Thread(() -> feed(feeder, queue));
      // A thread that died would leave the reader waiting for room in its queue for ever.
      workers[i].setUncaughtExceptionHandler((thread, error) -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
          });
      workers[i].start();
    }
    read(
        message -> {
          for (BlockingQueue<byte[]> queue : queues) queue.put(message);
        });
    for (BlockingQueue<byte[]> queue : queues) queue.put(END);
    for (Thread worker : workers) worker.join();
  }

  private static void feed(Feeder feeder, BlockingQueue<byte[]> queue) {
    try {
      for (byte[] message = queue.take(); message != END; message = queue.take()) {
        feeder.feed(message);
      }
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }

  private void read(Taker taker) throws Exception {
    UsageBatch batch = new UsageBatch(input);
    try (StoredUsage stored = stream.open(1)) {
      while (window.goesOn()) {
        byte[] message = stored.next(WAIT_MS);
        if (message == null) continue;
        window.take(batch.read(message));
        taker.take(message);
      }
    }
  }

  /** Makes events of records for one runtime. */
  private final class Feeder {
    private final int number;
    private final int feeders;
    private final EventSender sender;
    private final UsageBatch batch = new UsageBatch(input);
    private final Days days = new Days();

    Feeder(int number, int feeders, EventSender sender) {
      this.number = number;
      this.feeders = feeders;
      this.sender = sender;
    }

    void feed(byte[] message) {
      int count = batch.read(message);
      for (int i = 0; i < count; i++) {
        if (!batch.counts(i)) continue;
        long subscriber = batch.subscriber(i);
        if (feeders > 1 && subscriber % feeders != number) continue;
        int day = input.dayOf(batch.timeMs(i));
        int usageBytes = batch.usageBytes(i);
        sender.sendEvent(new Usage(subscriber, usageBytes, day, days.monthOf(day)));
      }
    }
  }
}
