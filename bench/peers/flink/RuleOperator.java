package bench.peers.flink;

import bench.peers.records.Days;
import bench.peers.records.Input;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** The rule on keyed state; what a keyed process function does, without its wrapping. */
final class RuleOperator extends AbstractStreamOperator<Usage>
    implements OneInputStreamOperator<Usage, Usage> {
  private static final long serialVersionUID = 1L;

  /** The heap backend hands out what it keeps, copied if a checkpoint still needs the old one. */
  private final boolean isUpdatedInPlace;

  private transient ValueState<Totals> state;
  private transient Days days;
  private transient Input input;

  RuleOperator(boolean isUpdatedInPlace) {
    this.isUpdatedInPlace = isUpdatedInPlace;
  }

  @Override
  public void open() throws Exception {
    super.open();
    state =
        getRuntimeContext()
            .getState(new ValueStateDescriptor<>("totals", new Totals.Serializer()));
    days = new Days();
    input = Run.input;
  }

  @Override
  public void processElement(StreamRecord<Usage> element) throws Exception {
    Usage usage = element.getValue();
    int day = input.dayOf(usage.timeMs);
    int month = days.monthOf(day);
    Totals totals = state.value();
    boolean isNew = totals == null;
    if (isNew) totals = new Totals();
    if (totals.day != day) {
      totals.day = day;
      totals.dayBytes = 0;
    }
    if (totals.month != month) {
      totals.month = month;
      totals.monthBytes = 0;
    }
    totals.dayBytes += usage.usageBytes;
    totals.monthBytes += usage.usageBytes;
    if (totals.dayBytes >= input.dayBytesMin
        && totals.monthBytes >= input.monthBytesMin
        && totals.firedMonth != month
        && input.isSeed(usage.subscriber)) {
      totals.firedMonth = month;
      Run.firings.add(usage.subscriber, month);
    }
    if (isNew || !isUpdatedInPlace) state.update(totals);
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    boolean isFirstTask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0;
    if (isFirstTask && Run.window.isMeasuring()) Run.CHECKPOINTS.incrementAndGet();
  }

  @Override
  public void finish() throws Exception {
    super.finish();
    Run.window.finished();
  }
}
