import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.TimestampData;

/** Judges messages from standard input: a length (-1 for null) and the bytes; rows come out. */
public class Verdicts {
  public static void main(String[] arguments) throws IOException {
    TimestampData recordAt = TimestampData.fromEpochMillis(Long.parseLong(arguments[0]));
    Judge judge = new Judge();
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 20));
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));
    // Of `Judge.ROW`: verdict, watermark, and the fields of the message.
    int[] places = {15, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    for (int length = in.readInt(); length >= -1; length = in.readInt()) {
      byte[] line = length < 0 ? null : in.readNBytes(length);
      GenericRowData row = (GenericRowData) judge.eval(line, recordAt);
      for (int place : places) {
        Object value = row.getField(place);
        byte[] text = value == null ? null : value.toString().getBytes(StandardCharsets.UTF_8);
        out.writeInt(text == null ? -1 : text.length);
        if (text != null) out.write(text);
      }
    }
    out.flush();
  }
}
