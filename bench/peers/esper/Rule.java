package bench.peers.esper;

import com.espertech.esper.common.client.hook.aggfunc.AggregationFunction;
import com.espertech.esper.common.client.hook.aggfunc.AggregationFunctionFactory;
import com.espertech.esper.common.client.hook.aggfunc.AggregationFunctionFactoryContext;
import com.espertech.esper.common.client.hook.aggfunc.AggregationFunctionForge;
import com.espertech.esper.common.client.hook.aggfunc.AggregationFunctionMode;
import com.espertech.esper.common.client.hook.aggfunc.AggregationFunctionModeManaged;
import com.espertech.esper.common.client.hook.aggfunc.AggregationFunctionValidationContext;
import com.espertech.esper.common.client.hook.forgeinject.InjectionStrategyClassNewInstance;
import com.espertech.esper.common.client.type.EPTypeClass;
import com.espertech.esper.common.client.type.EPTypePremade;

/**
 * The rule as an aggregation function of the user's own: one small object per subscriber instead of
 * a row of a table. {@code fires(usage)} is true for the event that makes the rule fire.
 */
public final class Rule implements AggregationFunctionForge {
  @Override
  public void validate(AggregationFunctionValidationContext context) {}

  @Override
  public EPTypeClass getValueType() {
    return EPTypePremade.BOOLEANBOXED.getEPType();
  }

  @Override
  public AggregationFunctionMode getAggregationFunctionMode() {
    return new AggregationFunctionModeManaged()
        .setInjectionStrategyAggregationFunctionFactory(
            new InjectionStrategyClassNewInstance(Factory.class));
  }

  /** Makes the state of one subscriber. */
  public static final class Factory implements AggregationFunctionFactory {
    @Override
    public AggregationFunction newAggregator(AggregationFunctionFactoryContext context) {
      return new Totals();
    }
  }

  /** The state of one subscriber. */
  public static final class Totals implements AggregationFunction {
    private long dayBytes;
    private long monthBytes;
    private int day;
    private int month;
    private int firedMonth;
    private boolean fires;

    @Override
    public void enter(Object value) {
      Usage usage = (Usage) value;
      if (day != usage.getDayIndex()) {
        day = usage.getDayIndex();
        dayBytes = 0;
      }
      if (month != usage.getMonthIndex()) {
        month = usage.getMonthIndex();
        monthBytes = 0;
      }
      dayBytes += usage.getUsageBytes();
      monthBytes += usage.getUsageBytes();
      fires =
          dayBytes >= Usage.input.dayBytesMin
              && monthBytes >= Usage.input.monthBytesMin
              && firedMonth != month
              && usage.isSeed();
      if (fires) firedMonth = month;
    }

    @Override
    public void leave(Object value) {}

    @Override
    public Object getValue() {
      return fires;
    }

    @Override
    public void clear() {}
  }
}
