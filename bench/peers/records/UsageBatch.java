package bench.peers.records;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A usage message of columns (README, "Wire format"): its MessagePack map is walked once to find
 * where the columns lie, then records are read where they are. Nothing is copied, boxed or made per
 * record; one object serves message after message.
 */
public final class UsageBatch {
  private static final VarHandle DOUBLES =
      MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle DOUBLES_OF_NETWORK =
      MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.BIG_ENDIAN);
  private static final int DOUBLE_LENGTH = 8;

  private final int kindCounted;
  private final int ratCounted;
  private byte[] data = new byte[0];
  private int at;
  private int count;
  private int subscribersAt;
  private int bytesAt;
  private int timesAt;
  /** -1 where a column is absent, which reads as 0. */
  private int ratsAt;
  private int kindsAt;

  public UsageBatch(Input input) {
    kindCounted = input.kind;
    ratCounted = input.rat;
  }

  /** Takes the next message, which stays as it is; returns how many records it has. */
  public int read(byte[] message) {
    data = message;
    at = 0;
    count = -1;
    subscribersAt = bytesAt = timesAt = ratsAt = kindsAt = -1;
    int subscribers = 0;
    int bytes = 0;
    int times = 0;
    int rats = 0;
    int kinds = 0;
    for (int entries = mapLength(); entries > 0; entries--) {
      int length = textLength();
      int key = at;
      at += length;
      if (isKey("n", key, length)) {
        count = (int) number();
      } else if (isKey("sub", key, length)) {
        subscribers = binLength();
        subscribersAt = skip(subscribers);
      } else if (isKey("bytes", key, length)) {
        bytes = binLength();
        bytesAt = skip(bytes);
      } else if (isKey("time", key, length)) {
        times = binLength();
        timesAt = skip(times);
      } else if (isKey("rat", key, length)) {
        rats = binLength();
        ratsAt = skip(rats);
      } else if (isKey("kind", key, length)) {
        kinds = binLength();
        kindsAt = skip(kinds);
      } else {
        skipValue();
      }
    }
    boolean isWhole =
        count >= 0
            && subscribers == count * DOUBLE_LENGTH
            && bytes == count * DOUBLE_LENGTH
            && times == count * DOUBLE_LENGTH
            && (ratsAt < 0 || rats == count)
            && (kindsAt < 0 || kinds == count);
    if (!isWhole) throw new IllegalArgumentException("a usage message without its columns");
    return count;
  }

  /** Whether record {@code i} counts: data over 4G. */
  public boolean counts(int i) {
    return (ratsAt < 0 ? 0 : data[ratsAt + i]) == ratCounted
        && (kindsAt < 0 ? 0 : data[kindsAt + i]) == kindCounted;
  }

  public long subscriber(int i) {
    return (long) (double) DOUBLES.get(data, subscribersAt + i * DOUBLE_LENGTH);
  }

  /** Usage of record {@code i}; the input has no record of 2 GiB or more. */
  public int usageBytes(int i) {
    return (int) (double) DOUBLES.get(data, bytesAt + i * DOUBLE_LENGTH);
  }

  /** Ms since the Unix epoch. */
  public long timeMs(int i) {
    return (long) (double) DOUBLES.get(data, timesAt + i * DOUBLE_LENGTH);
  }

  private boolean isKey(String name, int from, int length) {
    if (length != name.length()) return false;
    for (int i = 0; i < length; i++) {
      if (data[from + i] != name.charAt(i)) return false;
    }
    return true;
  }

  private int skip(int length) {
    int from = at;
    at += length;
    return from;
  }

  private int mapLength() {
    int head = unsigned(1);
    if ((head & 0xf0) == 0x80) return head & 0x0f;
    if (head == 0xde) return unsigned(2);
    throw unexpected(head);
  }

  private int textLength() {
    int head = unsigned(1);
    if ((head & 0xe0) == 0xa0) return head & 0x1f;
    if (head == 0xd9) return unsigned(1);
    throw unexpected(head);
  }

  private int binLength() {
    int head = unsigned(1);
    if (head == 0xc4) return unsigned(1);
    if (head == 0xc5) return unsigned(2);
    if (head == 0xc6) return unsigned(4);
    throw unexpected(head);
  }

  private double number() {
    int head = unsigned(1);
    if (head < 0x80) return head;
    if (head == 0xcc) return unsigned(1);
    if (head == 0xcd) return unsigned(2);
    if (head == 0xce) return Integer.toUnsignedLong(unsigned(4));
    if (head == 0xcf) {
      double high = Integer.toUnsignedLong(unsigned(4)) * 0x1p32;
      return high + Integer.toUnsignedLong(unsigned(4));
    }
    if (head == 0xcb) return (double) DOUBLES_OF_NETWORK.get(data, skip(DOUBLE_LENGTH));
    throw unexpected(head);
  }

  /** Past a value of no interest: text, a number, bytes. */
  private void skipValue() {
    int head = data[at] & 0xff;
    if ((head & 0xe0) == 0xa0 || head == 0xd9) skip(textLength());
    else if (head >= 0xc4 && head <= 0xc6) skip(binLength());
    else number();
  }

  private int unsigned(int length) {
    int value = 0;
    for (int i = 0; i < length; i++) value = value << 8 | data[at++] & 0xff;
    return value;
  }

  private IllegalArgumentException unexpected(int head) {
    String text = new String(data, 0, Math.min(at, 40), StandardCharsets.ISO_8859_1);
    return new IllegalArgumentException("byte " + head + " was not expected behind " + text);
  }
}
