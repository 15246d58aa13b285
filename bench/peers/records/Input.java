package bench.peers.records;

import java.io.IOException;
import java.io.Reader;
import java.nio.DoubleBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Properties;

/**
 * What every engine of the peers bench knows before record 0, as bench/peers/input.ts writes it:
 * the size of the log, the numbers of the rule, the seeds.
 */
public final class Input {
  private static final long DAY_MS = 86_400_000L;

  /** All records; the first {@link #fill} of them give every subscriber a state. */
  public final int records;
  public final int fill;
  /** Of a log in several streams: records of each. */
  public final int[] partitionRecords;
  public final int subscribers;
  public final long subscriberFirst;
  /** What counts, and the sums of a day and of a month at which the rule fires, in bytes. */
  public final int kind;
  public final int rat;
  public final long dayBytesMin;
  public final long monthBytesMin;
  private final long zoneOffsetMs;
  private final BitSet seeds = new BitSet();

  /** Reads input.properties and seeds.f64 of a folder. */
  public Input(Path folder) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(folder.resolve("input.properties"))) {
      properties.load(reader);
    }
    records = Integer.parseInt(properties.getProperty("records"));
    partitionRecords =
        Arrays.stream(properties.getProperty("partitionRecords").split(","))
            .mapToInt(Integer::parseInt)
            .toArray();
    fill = Integer.parseInt(properties.getProperty("fill"));
    subscribers = Integer.parseInt(properties.getProperty("subscribers"));
    subscriberFirst = Long.parseLong(properties.getProperty("subscriberFirst"));
    kind = Integer.parseInt(properties.getProperty("kind"));
    rat = Integer.parseInt(properties.getProperty("rat"));
    dayBytesMin = Long.parseLong(properties.getProperty("dayBytesMin"));
    monthBytesMin = Long.parseLong(properties.getProperty("monthBytesMin"));
    zoneOffsetMs = Long.parseLong(properties.getProperty("zoneOffsetMs"));
    DoubleBuffer seedColumn = Columns.map(folder, "seeds.f64").asDoubleBuffer();
    for (int i = 0; i < seedColumn.limit(); i++) {
      seeds.set((int) ((long) seedColumn.get(i) - subscriberFirst));
    }
  }

  /** Known before record 0, looked up in a bit set: a peer needs no state for it. */
  public boolean isSeed(long subscriber) {
    return seeds.get((int) (subscriber - subscriberFirst));
  }

  /** Day of a time in the zone of the input, counted since the Unix epoch. */
  public int dayOf(long timeMs) {
    return (int) Math.floorDiv(timeMs + zoneOffsetMs, DAY_MS);
  }

  /** Writes an answer: what the first {@code seen} records of each stream made fire, in no order. */
  public static void writeAnswer(Path file, String seen, Firings firings) throws IOException {
    StringBuilder text = new StringBuilder(64 + firings.size() * 20);
    text.append("# records ").append(seen).append('\n');
    firings.forEach(
        (subscriber, month) -> {
          int ofYear = month % 12 + 1;
          text.append(subscriber).append(' ').append(month / 12);
          text.append(ofYear < 10 ? "-0" : "-").append(ofYear).append('\n');
        });
    Files.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
  }
}
