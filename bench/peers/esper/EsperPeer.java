package bench.peers.esper;

import bench.peers.records.Columns;
import bench.peers.records.Firings;
import bench.peers.records.Input;
import bench.peers.records.Pace;
import bench.peers.records.Report;
import bench.peers.records.StoredUsage;
import bench.peers.records.StreamWindow;
import bench.peers.records.Window;
import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPDeployment;
import com.espertech.esper.runtime.client.EPEventService;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.espertech.esper.runtime.client.EPStatement;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Properties;

/**
 * Esper on the input of the peers bench, all in memory: after a crash nothing is left, neither sums
 * nor firings, and nothing says up to which record it had come.
 *
 * <p>Arguments: input folder; the log, {@code files} or {@code pull:URL} or {@code push:URL} of a
 * NATS server; {@code table} (EPL alone: a table and a merge) or {@code aggregation} (an aggregation
 * function in Java, grouped by subscriber); threads, each with a runtime of its own and its share of
 * the subscribers, of a log in streams one of them; seconds of warm-up; records of warm-up at most, where the log is a stream;
 * seconds to measure; name of the answer.
 */
public final class EsperPeer {
  private EsperPeer() {}

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    StoredUsage.Streams streams = StoredUsage.Streams.of(args[1]);
    String form = args[2];
    int threads = Integer.parseInt(args[3]);
    double warmUpSeconds = Double.parseDouble(args[4]);
    double seconds = Double.parseDouble(args[6]);
    String name = args[7];
    Input input = new Input(folder);
    Usage.input = input;
    Firings firings = new Firings();
    String epl = form.equals("table") ? tableEpl(input) : aggregationEpl();
    Report.say(
        String.format(
            "Esper %s, %s, %d threads, compiled EPL, not durable",
            version(), form, threads));
    Report.say(streams == null ? "columns in mapped files" : streams.describe());
    Report.say(epl.replaceAll("\\s+", " "));
    Report.say(Report.machine());
    EPEventService[] services = new EPEventService[threads];
    for (int i = 0; i < threads; i++) services[i] = deploy(epl, "peer-" + i, firings);
    Window window;
    if (streams == null) {
      Pace pace = new Pace(input, threads, warmUpSeconds, seconds);
      new FileReading(input, new Columns(folder, input), pace).run(services);
      window = pace;
    } else {
      StreamWindow ofStream =
          new StreamWindow(input, warmUpSeconds, Integer.parseInt(args[5]), seconds);
      new StreamReading(input, streams, ofStream).run(services);
      window = ofStream;
    }
    Input.writeAnswer(folder.resolve(name + ".answer"), window.recordsSeen(), firings);
    Report.rate(name, window);
  }

  /** Tuned for one thread per runtime: no locks, no timer, no order of dispatch to be kept. */
  private static EPEventService deploy(String epl, String uri, Firings firings) throws Exception {
    Configuration settings = new Configuration();
    settings.getCommon().addEventType("Usage", Usage.class);
    settings.getCompiler().addPlugInAggregationFunctionForge("fires", Rule.class.getName());
    settings.getCompiler().getByteCode().setAccessModifiersPublic();
    settings.getRuntime().getThreading().setInternalTimerEnabled(false);
    settings.getRuntime().getThreading().setListenerDispatchPreserveOrder(false);
    settings.getRuntime().getThreading().setInsertIntoDispatchPreserveOrder(false);
    settings.getRuntime().getExecution().setDisableLocking(true);
    EPCompiled compiled =
        EPCompilerProvider.getCompiler().compile(epl, new CompilerArguments(settings));
    EPRuntime runtime = EPRuntimeProvider.getRuntime(uri, settings);
    EPDeployment deployment = runtime.getDeploymentService().deploy(compiled);
    for (EPStatement statement : deployment.getStatements()) {
      if (!statement.getName().equals("fired")) continue;
      statement.addListener(
          (now, before, source, from) -> {
            firings.add((long) now[0].get("subscriber"), (int) now[0].get("monthIndex"));
          });
    }
    return runtime.getEventService();
  }

  private static String aggregationEpl() {
    return "@name('fired') select subscriber, monthIndex from Usage as u group by subscriber"
        + " having fires(u)";
  }

  private static String tableEpl(Input input) {
    String dayBytes =
        "((case when t.dayIndex = u.dayIndex then t.dayBytes else 0L end) + u.usageBytes)";
    String monthBytes =
        "((case when t.monthIndex = u.monthIndex then t.monthBytes else 0L end) + u.usageBytes)";
    String totals =
        "t.dayBytes = "
            + dayBytes
            + ", t.monthBytes = "
            + monthBytes
            + ", t.dayIndex = u.dayIndex, t.monthIndex = u.monthIndex";
    String enough =
        " >= " + input.dayBytesMin + " and %s >= " + input.monthBytesMin + " and u.seed";
    String isFirstEnough = "u.usageBytes" + enough.formatted("u.usageBytes");
    String first =
        "insert select u.subscriber as subscriber, u.usageBytes as dayBytes,"
            + " u.usageBytes as monthBytes, u.dayIndex as dayIndex, u.monthIndex as monthIndex, ";
    String fire = "insert into Fired select u.subscriber as subscriber, u.monthIndex as monthIndex";
    return "create table Totals(subscriber long primary key, dayBytes long, monthBytes long,"
        + " dayIndex int, monthIndex int, firedMonth int);\n"
        + "create schema Fired(subscriber long, monthIndex int);\n"
        + "on Usage as u merge Totals as t where t.subscriber = u.subscriber\n"
        + ("when not matched and " + isFirstEnough + " then ")
        + (first + "u.monthIndex as firedMonth then " + fire + "\n")
        + ("when not matched then " + first + "0 as firedMonth\n")
        + ("when matched and " + dayBytes + enough.formatted(monthBytes))
        + (" and t.firedMonth != u.monthIndex then update set " + totals)
        + ", t.firedMonth = u.monthIndex "
        + ("then " + fire + "\n")
        + ("when matched then update set " + totals + ";\n")
        + "@name('fired') select subscriber, monthIndex from Fired;";
  }

  /** As Maven left it in the artefact. */
  private static String version() throws IOException {
    String path = "/META-INF/maven/com.espertech/esper-runtime/pom.properties";
    Properties properties = new Properties();
    try (InputStream stream = EPRuntime.class.getResourceAsStream(path)) {
      if (stream != null) properties.load(stream);
    }
    return properties.getProperty("version", "of unknown version");
  }
}
