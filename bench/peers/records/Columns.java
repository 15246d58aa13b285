package bench.peers.records;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The log in files, as bench/peers/input.ts writes it: columns, mapped into memory. No broker and
 * no decoding lie between an engine and its records, which favours the peers: Highwater reads the
 * same records from JetStream.
 */
public final class Columns {
  private final Input input;
  private final DoubleBuffer subscribers;
  private final DoubleBuffer bytes;
  private final DoubleBuffer times;
  private final ByteBuffer rats;
  private final ByteBuffer kinds;

  /** Maps the files of a folder. */
  public Columns(Path folder, Input input) throws IOException {
    this.input = input;
    subscribers = map(folder, "subscribers.f64").asDoubleBuffer();
    bytes = map(folder, "bytes.f64").asDoubleBuffer();
    times = map(folder, "timesMs.f64").asDoubleBuffer();
    rats = map(folder, "rats.u8");
    kinds = map(folder, "kinds.u8");
  }

  static ByteBuffer map(Path folder, String name) throws IOException {
    try (FileChannel channel = FileChannel.open(folder.resolve(name), StandardOpenOption.READ)) {
      ByteBuffer buffer = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      return buffer.order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  /** Whether record {@code i} counts: data over 4G. */
  public boolean counts(int i) {
    return rats.get(i) == input.rat && kinds.get(i) == input.kind;
  }

  public long subscriber(int i) {
    return (long) subscribers.get(i);
  }

  /** Usage of record {@code i}; the input has no record of 2 GiB or more. */
  public int usageBytes(int i) {
    return (int) bytes.get(i);
  }

  /** Ms since the Unix epoch. */
  public long timeMs(int i) {
    return (long) times.get(i);
  }
}
