package bench.peers.flink;

import bench.peers.records.Firings;
import bench.peers.records.Input;
import bench.peers.records.Pace;
import java.util.concurrent.atomic.AtomicInteger;

/** What the tasks of the one job in this virtual machine share. */
final class Run {
  static Input input;
  static Pace pace;
  static Firings firings;
  /** Reader that reads the record, by record: all of one subscriber have the same, in order. */
  static byte[] readerOf;
  /** Checkpoints that were complete while records were measured. */
  static final AtomicInteger CHECKPOINTS = new AtomicInteger();

  private Run() {}
}
