package bench.peers.flink;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Fields one behind the other, of fixed length: faster than Flink's serializer of plain classes,
 * which asks for each field by reflection and writes a null mark before it.
 */
abstract class FlatSerializer<T> extends TypeSerializerSingleton<T> {
  private static final long serialVersionUID = 1L;

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public T copy(T from) {
    return copy(from, createInstance());
  }

  @Override
  public T deserialize(DataInputView source) throws IOException {
    return deserialize(createInstance(), source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    target.write(source, getLength());
  }

  /** What a checkpoint says of a serializer without settings: its class. */
  abstract static class Snapshot<T> implements TypeSerializerSnapshot<T> {
    @Override
    public int getCurrentVersion() {
      return 1;
    }

    @Override
    public void writeSnapshot(DataOutputView out) {}

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader loader) {}

    @Override
    public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
        TypeSerializerSnapshot<T> old) {
      return TypeSerializerSchemaCompatibility.compatibleAsIs();
    }

    @Override
    public abstract TypeSerializer<T> restoreSerializer();
  }
}
