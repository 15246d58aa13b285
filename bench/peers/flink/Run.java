package bench.peers.flink;

import bench.peers.records.Columns;
import bench.peers.records.Firings;
import bench.peers.records.Input;
import bench.peers.records.Pace;
import bench.peers.records.StoredUsage;
import bench.peers.records.StreamWindow;
import bench.peers.records.Window;
import java.util.concurrent.atomic.AtomicInteger;

/** What the tasks of the one job in this virtual machine share. */
final class Run {
  static Input input;
  static Firings firings;
  static Window window;
  /** Checkpoints that were complete while records were measured. */
  static final AtomicInteger CHECKPOINTS = new AtomicInteger();

  /** Of a log in files, else null. */
  static Columns columns;

  static Pace pace;
  /** Reader that reads the record, by record: all of one subscriber have the same, in order. */
  static byte[] readerOf;

  /** Of a log in JetStream, else null. */
  static StoredUsage.Streams streams;

  static StreamWindow streamWindow;

  private Run() {}
}
