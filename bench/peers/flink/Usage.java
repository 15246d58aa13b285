package bench.peers.flink;

import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** One record of usage that counts; one object per reader, filled anew for each record. */
final class Usage {
  long subscriber;
  /** Ms since the Unix epoch. */
  long timeMs;
  int usageBytes;

  /** Its type, flat: nothing falls back to Kryo. */
  static final class Type extends TypeInformation<Usage> {
    private static final long serialVersionUID = 1L;

    @Override
    public boolean isBasicType() {
      return false;
    }

    @Override
    public boolean isTupleType() {
      return false;
    }

    @Override
    public int getArity() {
      return 1;
    }

    @Override
    public int getTotalFields() {
      return 3;
    }

    @Override
    public Class<Usage> getTypeClass() {
      return Usage.class;
    }

    @Override
    public boolean isKeyType() {
      return false;
    }

    @Override
    public TypeSerializer<Usage> createSerializer(SerializerConfig config) {
      return new Serializer();
    }

    @Override
    public String toString() {
      return "Usage";
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Type;
    }

    @Override
    public int hashCode() {
      return 1;
    }

    @Override
    public boolean canEqual(Object other) {
      return other instanceof Type;
    }
  }

  /** 20 bytes. */
  static final class Serializer extends FlatSerializer<Usage> {
    private static final long serialVersionUID = 1L;

    @Override
    public Usage createInstance() {
      return new Usage();
    }

    @Override
    public Usage copy(Usage from, Usage to) {
      to.subscriber = from.subscriber;
      to.timeMs = from.timeMs;
      to.usageBytes = from.usageBytes;
      return to;
    }

    @Override
    public int getLength() {
      return 20;
    }

    @Override
    public void serialize(Usage usage, DataOutputView target) throws IOException {
      target.writeLong(usage.subscriber);
      target.writeLong(usage.timeMs);
      target.writeInt(usage.usageBytes);
    }

    @Override
    public Usage deserialize(Usage usage, DataInputView source) throws IOException {
      usage.subscriber = source.readLong();
      usage.timeMs = source.readLong();
      usage.usageBytes = source.readInt();
      return usage;
    }

    @Override
    public TypeSerializerSnapshot<Usage> snapshotConfiguration() {
      return new SerializerSnapshot();
    }
  }

  /** Public, as Flink demands it. */
  public static final class SerializerSnapshot extends FlatSerializer.Snapshot<Usage> {
    @Override
    public TypeSerializer<Usage> restoreSerializer() {
      return new Serializer();
    }
  }
}
