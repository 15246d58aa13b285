package bench.peers.records;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** Figures on standard output, in the shape of bench/report.ts; words on standard error. */
public final class Report {
  private Report() {}

  /** One figure. */
  public static void figure(String metric, double value, String unit) {
    System.out.printf(
        Locale.ROOT,
        "{\"bench\":\"peers-jvm\",\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}%n",
        metric,
        value,
        unit);
  }

  /** What was measured, and what the collector took of it since the start. */
  public static void rate(String engine, Window window) {
    double rate = window.recordsMeasured() / window.measuredSeconds();
    figure(engine + ".records_per_second", rate, "records/s");
    figure(engine + ".records_measured", window.recordsMeasured(), "records");
    figure(engine + ".seconds", window.measuredSeconds(), "s");
    long collectorMs = 0;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      collectorMs += Math.max(0, collector.getCollectionTime());
    }
    figure(engine + ".collector_seconds", collectorMs / 1e3, "s");
    Runtime runtime = Runtime.getRuntime();
    figure(engine + ".heap_megabytes", (runtime.totalMemory() - runtime.freeMemory()) / 1e6, "MB");
  }

  /** What is run, and how. */
  public static void say(String text) {
    System.err.println("… " + text);
  }

  /** The virtual machine and its options. */
  public static String machine() {
    return System.getProperty("java.vm.name")
        + " "
        + System.getProperty("java.vm.version")
        + " "
        + String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments());
  }
}
