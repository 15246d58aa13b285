package bench.peers.flink;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** All that the rule remembers of a subscriber, in one value: a look-up and a write a record. */
final class Totals {
  /** Bytes of {@link #day} and of {@link #month}. */
  long dayBytes;

  long monthBytes;
  /** Days since the Unix epoch; months since January of year 0. */
  int day;

  int month;
  /** The last month in which the rule fired. */
  int firedMonth;

  /** 28 bytes. */
  static final class Serializer extends FlatSerializer<Totals> {
    private static final long serialVersionUID = 1L;

    @Override
    public Totals createInstance() {
      return new Totals();
    }

    @Override
    public Totals copy(Totals from, Totals to) {
      to.dayBytes = from.dayBytes;
      to.monthBytes = from.monthBytes;
      to.day = from.day;
      to.month = from.month;
      to.firedMonth = from.firedMonth;
      return to;
    }

    @Override
    public int getLength() {
      return 28;
    }

    @Override
    public void serialize(Totals totals, DataOutputView target) throws IOException {
      target.writeLong(totals.dayBytes);
      target.writeLong(totals.monthBytes);
      target.writeInt(totals.day);
      target.writeInt(totals.month);
      target.writeInt(totals.firedMonth);
    }

    @Override
    public Totals deserialize(Totals totals, DataInputView source) throws IOException {
      totals.dayBytes = source.readLong();
      totals.monthBytes = source.readLong();
      totals.day = source.readInt();
      totals.month = source.readInt();
      totals.firedMonth = source.readInt();
      return totals;
    }

    @Override
    public TypeSerializerSnapshot<Totals> snapshotConfiguration() {
      return new SerializerSnapshot();
    }
  }

  /** Public, as Flink demands it. */
  public static final class SerializerSnapshot extends FlatSerializer.Snapshot<Totals> {
    @Override
    public TypeSerializer<Totals> restoreSerializer() {
      return new Serializer();
    }
  }
}
