package bench.peers.esper;

import bench.peers.records.Days;
import bench.peers.records.Input;
import bench.peers.records.StoredUsage;
import bench.peers.records.StreamWindow;
import bench.peers.records.UsageBatch;
import com.espertech.esper.common.client.EventSender;
import com.espertech.esper.runtime.client.EPEventService;

/** A log in JetStream: a thread for each of its streams reads it and feeds a runtime. */
record StreamReading(Input input, StoredUsage.Streams streams, StreamWindow window) {
  private static final int WAIT_MS = 1_000;

  void run(EPEventService[] services) throws InterruptedException {
    if (services.length != input.partitionRecords.length) {
      throw new IllegalArgumentException("a runtime for each stream is wanted");
    }
    Thread[] workers = new Thread[services.length];
    for (int i = 0; i < workers.length; i++) {
      int partition = i;
      EventSender sender = services[i].getEventSender("Usage");
      workers[i] = new Thread(() -> read(partition, sender));
      // An answer that lacks a part is none.
      workers[i].setUncaughtExceptionHandler(
          (thread, error) -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
          });
      workers[i].start();
    }
    for (Thread worker : workers) worker.join();
  }

  private void read(int partition, EventSender sender) {
    Days days = new Days();
    UsageBatch batch = new UsageBatch(input);
    try (StoredUsage stored = streams.open(partition, 1)) {
      while (window.goesOn(partition)) {
        byte[] message = stored.next(WAIT_MS);
        if (message == null) continue;
        int count = batch.read(message);
        window.take(partition, count);
        for (int i = 0; i < count; i++) {
          if (!batch.counts(i)) continue;
          int day = input.dayOf(batch.timeMs(i));
          int usageBytes = batch.usageBytes(i);
          sender.sendEvent(
              new Usage(batch.subscriber(i), usageBytes, day, days.monthOf(day)));
        }
      }
      window.finished();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }
}
