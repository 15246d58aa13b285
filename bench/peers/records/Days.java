package bench.peers.records;

import java.time.LocalDate;

/**
 * Months of days; one for each thread, since it remembers the last day that it was asked for: the
 * log is in order of time, so that nearly every question is answered from memory.
 */
public final class Days {
  /**
   * The Gregorian calendar repeats after 400 years of so many days, month by month. Warm-up meets
   * the same records a multiple of that earlier: sums begin anew, and nothing else differs.
   */
  public static final long CALENDAR_CYCLE_MS = 146_097L * 86_400_000L;
  /** First month that is no warm-up, in months since January of year 0: that of 1970. */
  public static final int MONTH_MEASURED_MIN = 1970 * 12;

  private int lastDay = Integer.MIN_VALUE;
  private int lastMonth;

  /** Month of a day since the Unix epoch, as months since January of year 0. */
  public int monthOf(int day) {
    if (day != lastDay) {
      LocalDate date = LocalDate.ofEpochDay(day);
      lastMonth = date.getYear() * 12 + date.getMonthValue() - 1;
      lastDay = day;
    }
    return lastMonth;
  }
}
