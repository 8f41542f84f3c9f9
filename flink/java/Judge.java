import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.*;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.*;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.*;
import org.apache.flink.table.functions.ScalarFunction;

/** Reads a message of the raw topic once: its verdict and typed fields, by docs/streaming.md. */
public class Judge extends ScalarFunction {
  static final int LONGEST_MESSAGE = 65_535, LONGEST_NUMBER = 1000, DEEPEST_LEVEL = 64;
  // 14 digits, a point, four decimals, and the digit that rounds them.
  static final int LONGEST_DECIMAL = 20;
  static final long FUTURE_MS = 60_000;
  static final String HEARTBEAT = "__heartbeat__";
  // How the values of a message are written in `Fields`: a text begins with a quote.
  static final Pattern SYMBOL =
      Pattern.compile("\"([A-Z][A-Za-z0-9._=^-]{0,15}|" + HEARTBEAT + ")");
  static final Pattern INTEGER = Pattern.compile("[0-9]{1,16}");
  static final Pattern DECIMAL = Pattern.compile("\"?(0|[1-9][0-9]{0,13})([.][0-9]+)?");
  static final Pattern BASIS = Pattern.compile("\"(trades|close)");
  static final Pattern DAY = Pattern.compile("\"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}");
  static final Pattern SOURCE = Pattern.compile("\".{0,255}", Pattern.DOTALL);
  static final Pattern LONE_SURROGATE = Pattern.compile("\\p{Cs}");
  static final JsonFactory JSON = new JsonFactoryBuilder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
      .streamReadConstraints(StreamReadConstraints.builder()
          .maxNestingDepth(DEEPEST_LEVEL).maxNameLength(LONGEST_MESSAGE).build())
      .build();
  static final String ROW = "row<schema_version bigint, event_us bigint, watermark_us bigint,"
      + " symbol string, `sequence` bigint, `open` decimal(18, 4), high decimal(18, 4),"
      + " low decimal(18, 4), `close` decimal(18, 4), volume bigint, trades bigint,"
      + " notional decimal(18, 4), vwap_basis string, session_date date, source string,"
      + " verdict string, watermark_ms bigint, record_ms bigint, payload bytes,"
      + " payload_bytes bigint>";
  // The source asks for the times of a message, and the job for the rest right after it.
  static final ThreadLocal<Reading> LAST = ThreadLocal.withInitial(() -> read(null, 0));

  record Reading(byte[] line, long recordMs, RowData row) {}

  // Otherwise the planner would evaluate the function wherever a field of its result is used.
  @Override
  public boolean isDeterministic() {
    return false;
  }

  public @DataTypeHint(value = ROW, bridgedTo = RowData.class) RowData eval(byte[] line,
      @DataTypeHint(value = "timestamp_ltz(3)", bridgedTo = TimestampData.class) TimestampData at) {
    Reading last = LAST.get();
    if (line != last.line || at.getMillisecond() != last.recordMs) {
      LAST.set(last = read(line, at.getMillisecond()));
    }
    return last.row;
  }

  private static Reading read(byte[] line, long recordMs) {
    boolean isOversize = line != null && line.length > LONGEST_MESSAGE;
    Fields object = line == null || isOversize ? null : Fields.of(line);
    Fields fields = object == null ? new Fields() : object;
    Long version = fields.integer("schema_version"), event = fields.integer("event_us");
    Long mark = fields.integer("watermark_us"), sequence = fields.integer("sequence");
    String symbol = fields.text("symbol", SYMBOL);
    boolean isHeartbeat = HEARTBEAT.equals(symbol);
    if (isHeartbeat) fields.clear();
    DecimalData open = fields.price("open"), high = fields.price("high");
    DecimalData low = fields.price("low"), close = fields.price("close");
    Long volume = fields.integer("volume"), trades = fields.integer("trades");
    DecimalData notional = fields.decimal("notional");
    String basis = fields.text("vwap_basis", BASIS), source = fields.text("source", SOURCE);
    Integer session = fields.day("session_date");
    long latestMs = recordMs + FUTURE_MS;
    String verdict = line == null ? "null_value"
        : isOversize ? "oversize"
        : object == null ? "not_a_json_object"
        : version == null || version != 1 ? "wrong_version"
        : symbol == null ? "bad_symbol"
        : event == null || mark == null || sequence == null ? "bad_time"
        : Math.max(event, mark) / 1000 > latestMs ? "from_the_future"
        : isHeartbeat ? "heartbeat"
        : open == null || high == null || low == null || close == null ? "bad_price"
        : volume == null || notional == null || basis == null ? "bad_quantity"
        : trades == null && fields.containsKey("trades") ? "bad_quantity"
        : session == null ? "no_session"
        : source == null && fields.containsKey("source") ? "bad_source"
        : event / 1000 < mark / 1000 ? "behind_its_producer"
        : "bar";
    Long watermarkMs = mark == null || mark / 1000 > latestMs ? null : (Long) (mark / 1000);
    byte[] payload = isOversize ? Arrays.copyOf(line, LONGEST_MESSAGE) : line;
    return new Reading(line, recordMs, GenericRowData.of(version, event, mark,
        StringData.fromString(symbol), sequence, open, high, low, close, volume, trades, notional,
        StringData.fromString(basis), session, StringData.fromString(source),
        StringData.fromString(verdict), watermarkMs, recordMs, payload,
        line == null ? null : (Long) (long) line.length));
  }

  /** The values of an object by name, without nulls: numbers as they are, texts after a quote. */
  static class Fields extends HashMap<String, String> {
    /** The fields of a line, or null if it is not one strict object. */
    static Fields of(byte[] line) {
      Fields fields = new Fields();
      try {
        String all = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString();
        boolean hasEscapes = all.indexOf('\\') >= 0;
        JsonParser parser = JSON.createParser(all);
        if (parser.nextToken() != JsonToken.START_OBJECT) return null;
        do {
          JsonToken token = parser.nextToken();
          String text = parser.getText();
          if (token.isNumeric() && text.length() > LONGEST_NUMBER) return null;
          if (hasEscapes && LONE_SURROGATE.matcher(text).find()) return null;
          boolean isValue = token != JsonToken.FIELD_NAME && token != JsonToken.VALUE_NULL;
          if (isValue && parser.getParsingContext().getNestingDepth() == 1) {
            fields.put(parser.currentName(), token == JsonToken.VALUE_STRING ? '"' + text : text);
          }
        } while (!parser.getParsingContext().inRoot());
        return parser.nextToken() == null ? fields : null;
      } catch (IOException refused) {
        return null;
      }
    }

    String text(String name, Pattern form) {
      String value = get(name);
      if (value == null || !form.matcher(value).matches()) return null;
      return value.startsWith("\"") ? value.substring(1) : value;
    }

    Long integer(String name) {
      String text = text(name, INTEGER);
      return text == null ? null : Long.valueOf(text);
    }

    DecimalData decimal(String name) {
      String text = text(name, DECIMAL);
      if (text == null) return null;
      String digits = text.substring(0, Math.min(text.length(), LONGEST_DECIMAL));
      return DecimalData.fromBigDecimal(new BigDecimal(digits), 18, 4);
    }

    DecimalData price(String name) {
      DecimalData price = decimal(name);
      return price == null || price.toUnscaledLong() == 0 ? null : price;
    }

    Integer day(String name) {
      String text = text(name, DAY);
      try {
        return text == null ? null : (Integer) (int) LocalDate.of(
            Integer.parseInt(text, 0, 4, 10), Integer.parseInt(text, 5, 7, 10),
            Integer.parseInt(text, 8, 10, 10)).toEpochDay();
      } catch (DateTimeException absent) {
        return null;
      }
    }
  }
}
