package bench.peers.esper;

import bench.peers.records.Columns;
import bench.peers.records.Days;
import bench.peers.records.Input;
import bench.peers.records.Pace;
import com.espertech.esper.common.client.EventSender;
import com.espertech.esper.runtime.client.EPEventService;

/** A log in files: each runtime's thread reads all of it and takes its subscribers. */
record FileReading(Input input, Columns columns, Pace pace) {
  private static final int EVENTS_AT_ONCE = 256;

  void run(EPEventService[] services) throws InterruptedException {
    Thread[] workers = new Thread[services.length];
    for (int i = 0; i < workers.length; i++) {
      int number = i;
      Pace.Reader reader = pace.reader(i);
      EventSender sender = services[i].getEventSender("Usage");
      workers[i] = new Thread(() -> read(reader, number, workers.length, sender));
      workers[i].start();
    }
    for (Thread worker : workers) worker.join();
  }

  private void read(Pace.Reader reader, int number, int readers, EventSender sender) {
    Days days = new Days();
    for (; ; ) {
      int until = reader.until(EVENTS_AT_ONCE);
      int position = reader.position;
      if (until == position) break;
      for (; position < until; position++) {
        int index = reader.index(position);
        if (!columns.counts(index)) continue;
        long subscriber = columns.subscriber(index);
        if (readers > 1 && subscriber % readers != number) continue;
        int day = input.dayOf(columns.timeMs(index) + reader.shiftMs);
        int usageBytes = columns.usageBytes(index);
        sender.sendEvent(new Usage(subscriber, usageBytes, day, days.monthOf(day)));
      }
      reader.position = position;
    }
    pace.finished();
  }
}
