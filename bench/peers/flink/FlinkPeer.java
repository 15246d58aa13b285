package bench.peers.flink;

import bench.peers.records.Columns;
import bench.peers.records.Firings;
import bench.peers.records.Input;
import bench.peers.records.Pace;
import bench.peers.records.Report;
import bench.peers.records.StoredUsage;
import bench.peers.records.StreamWindow;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Apache Flink, job manager and task manager in this virtual machine, on the input of the peers
 * bench.
 *
 * <p>Arguments: input folder; the log, {@code files} or {@code pull:URL} or {@code push:URL} of a
 * NATS server; state backend {@code hashmap} or {@code rocksdb}; parallelism; {@code network} (the
 * exchange between reading and the rule, as behind any keyBy) or {@code chained} (no exchange:
 * input that is partitioned by key as Flink partitions it); seconds of warm-up;
 * records of warm-up at most, where the log is a stream; seconds to measure; a working folder, left
 * behind; name of the answer; then settings of Flink, {@code key=value} each, over those below.
 */
public final class FlinkPeer {
  private static final int MAX_PARALLELISM = 128;

  private FlinkPeer() {}

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Run.streams = StoredUsage.Streams.of(args[1]);
    boolean isRocksDb = args[2].equals("rocksdb");
    int parallelism = Integer.parseInt(args[3]);
    boolean isChained = args[4].equals("chained");
    double warmUpSeconds = Double.parseDouble(args[5]);
    double seconds = Double.parseDouble(args[7]);
    Path work = Path.of(args[8]).toAbsolutePath();
    String name = args[9];
    Configuration settings = settings(isRocksDb, parallelism, work);
    for (String setting : List.of(args).subList(10, args.length)) {
      String[] keyAndValue = setting.split("=", 2);
      settings.setString(keyAndValue[0], keyAndValue[1]);
    }
    Run.input = new Input(folder);
    Run.firings = new Firings();
    Report.say(
        String.format(
            "Apache Flink %s, %s, parallelism %d, %s",
            EnvironmentInformation.getVersion(), args[2], parallelism, args[4]));
    Report.say(Run.streams == null ? "columns in mapped files" : Run.streams.describe());
    Report.say(settings.toString());
    Report.say(Report.machine());
    if (Run.streams == null) {
      Run.columns = new Columns(folder, Run.input);
      Run.readerOf = readers(parallelism, isChained);
      Run.pace = new Pace(Run.input, parallelism, warmUpSeconds, seconds);
      Run.window = Run.pace;
    } else {
      int warmUpRecords = Integer.parseInt(args[6]);
      Run.streamWindow = new StreamWindow(Run.input, warmUpSeconds, warmUpRecords, seconds);
      Run.window = Run.streamWindow;
    }
    run(settings, parallelism, isChained, !isRocksDb);
    Input.writeAnswer(folder.resolve(name + ".answer"), Run.window.recordsSeen(), Run.firings);
    Report.rate(name, Run.window);
    Report.figure(name + ".checkpoints", Run.CHECKPOINTS.get(), "checkpoints");
  }

  private static void run(
      Configuration settings, int parallelism, boolean isChained, boolean isUpdatedInPlace)
      throws Exception {
    try (StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, settings)) {
      environment.setMaxParallelism(MAX_PARALLELISM);
      TypeInformation<Usage> type = new Usage.Type();
      // A stream has one reader, in its order.
      int readers = Run.streams == null ? parallelism : Run.input.partitionRecords.length;
      DataStream<Usage> usage =
          environment
              .fromSource(new UsageSource(), WatermarkStrategy.noWatermarks(), "usage", type)
              .setParallelism(readers);
      KeySelector<Usage, Long> key = record -> record.subscriber;
      KeyedStream<Usage, Long> keyed =
          isChained
              ? DataStreamUtils.reinterpretAsKeyedStream(usage, key, Types.LONG)
              : usage.keyBy(key, Types.LONG);
      keyed
          .transform("rule", type, new RuleOperator(isUpdatedInPlace))
          .sinkTo(new DiscardingSink<>());
      environment.execute("peer");
    }
  }

  /** Tuned for this job; every one of them is printed. */
  private static Configuration settings(boolean isRocksDb, int parallelism, Path work) {
    Configuration settings = new Configuration();
    settings.setString("taskmanager.numberOfTaskSlots", String.valueOf(parallelism));
    settings.setString("taskmanager.memory.network.min", "64m");
    settings.setString("taskmanager.memory.network.max", "64m");
    settings.setString("taskmanager.memory.managed.size", isRocksDb ? "4g" : "0");
    settings.setString("pipeline.object-reuse", "true");
    settings.setString("pipeline.generic-types", "false");
    settings.setString("execution.buffer-timeout.enabled", "false");
    // A job that begins anew by itself would count records twice: it fails instead.
    settings.setString("restart-strategy.type", "none");
    settings.setString("execution.checkpointing.interval", "10 s");
    settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    settings.setString("execution.checkpointing.storage", "filesystem");
    String checkpoints = work.resolve("checkpoints").toUri().toString();
    settings.setString("execution.checkpointing.dir", checkpoints);
    settings.setString("state.backend.type", isRocksDb ? "rocksdb" : "hashmap");
    if (isRocksDb) {
      settings.setString("execution.checkpointing.incremental", "true");
      settings.setString("state.backend.rocksdb.localdir", work.resolve("rocksdb").toString());
      settings.setString("state.backend.rocksdb.memory.managed", "true");
      settings.setString("state.backend.rocksdb.use-bloom-filter", "true");
      settings.setString("state.backend.rocksdb.predefined-options", "FLASH_SSD_OPTIMIZED");
      settings.setString("state.backend.rocksdb.thread.num", "2");
      settings.setString("state.backend.rocksdb.compression.per.level", "NO_COMPRESSION");
      settings.setString("state.backend.rocksdb.memory.write-buffer-ratio", "0.3");
      settings.setString("state.backend.rocksdb.writebuffer.size", "128mb");
    }
    return settings;
  }

  /** Which reader reads a record; looked up beforehand, so that no reader pays for the question. */
  private static byte[] readers(int parallelism, boolean isChained) {
    byte[] readerOf = new byte[Run.input.records];
    if (parallelism == 1) return readerOf;
    for (int i = 0; i < readerOf.length; i++) {
      long subscriber = Run.columns.subscriber(i);
      readerOf[i] =
          isChained
              ? (byte)
                  KeyGroupRangeAssignment.assignKeyToParallelOperator(
                      subscriber, MAX_PARALLELISM, parallelism)
              : (byte) (subscriber % parallelism);
    }
    return readerOf;
  }
}
