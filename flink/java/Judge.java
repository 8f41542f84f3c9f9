import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.*;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.*;
import org.apache.flink.table.functions.ScalarFunction;

/** Reads a message of the raw topic once: its verdict and typed fields, by docs/streaming.md. */
public class Judge extends ScalarFunction {
  static final int LONGEST_MESSAGE = 65_535, LONGEST_NUMBER = 1000, DEEPEST_LEVEL = 64;
  static final int LONGEST_SOURCE = 255, DECIMALS = 4;
  static final long FUTURE_MS = 60_000, LARGEST_DECIMAL = 1_000_000_000_000_000_000L;
  static final String HEARTBEAT = "__heartbeat__";
  static final Pattern SYMBOL = Pattern.compile("[A-Z][A-Za-z0-9._=^-]{0,15}");
  static final Pattern INTEGER = Pattern.compile("[0-9]{1,16}");
  static final Pattern DECIMAL = Pattern.compile("(0|[1-9][0-9]{0,13})([.][0-9]+)?");
  static final Pattern DAY = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}");
  static final JsonFactory JSON = new JsonFactoryBuilder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
      .streamReadConstraints(StreamReadConstraints.builder()
          .maxNestingDepth(DEEPEST_LEVEL).maxNameLength(LONGEST_MESSAGE).build())
      .build();
  // The fields of a message, from the first place of the row on; behind them what else there is.
  static final List<String> FIELDS = List.of("schema_version", "event_us", "watermark_us",
      "symbol", "sequence", "open", "high", "low", "close", "volume", "trades", "notional",
      "vwap_basis", "session_date", "source");
  static final int VERSION = 0, EVENT = 1, MARK = 2, TICKER = 3, SEQUENCE = 4, OPEN = 5, CLOSE = 8,
      VOLUME = 9, TRADES = 10, NOTIONAL = 11, BASIS = 12, SESSION = 13, SOURCE = 14,
      VERDICT = 15, RECORD = 16, WATERMARK = 17, PAYLOAD = 18, BYTES = 19, WIDTH = 20;
  static final String ROW = "row<schema_version bigint, event_us bigint, watermark_us bigint,"
      + " symbol string, `sequence` bigint, `open` decimal(18, 4), high decimal(18, 4),"
      + " low decimal(18, 4), `close` decimal(18, 4), volume bigint, trades bigint,"
      + " notional decimal(18, 4), vwap_basis string, session_date date, source string,"
      + " verdict string, record_ms bigint, watermark_ms bigint, payload bytes,"
      + " payload_bytes bigint>";
  static final String LTZ = "timestamp_ltz(3)";
  // Source and views ask for the same message one after the other, each through its own function.
  static final ThreadLocal<Judge> READER = ThreadLocal.withInitial(Judge::new);

  private final String[] texts = new String[FIELDS.size()];
  private final JsonToken[] tokens = new JsonToken[FIELDS.size()];
  private final transient CharsetEncoder encoder = StandardCharsets.UTF_8.newEncoder();
  private transient byte[] line;
  private transient GenericRowData row;

  /** When the event happened, or null. */
  public static class EventTime extends Once {
    public @DataTypeHint(value = LTZ, bridgedTo = TimestampData.class) TimestampData eval(byte[] line,
        @DataTypeHint(value = LTZ, bridgedTo = TimestampData.class) TimestampData recordAt) {
      return moment(line, recordAt, EVENT, 1000);
    }
  }

  /** The watermark that the message carries, or null if it has none or one from the future. */
  public static class Watermark extends Once {
    public @DataTypeHint(value = LTZ, bridgedTo = TimestampData.class) TimestampData eval(byte[] line,
        @DataTypeHint(value = LTZ, bridgedTo = TimestampData.class) TimestampData recordAt) {
      return moment(line, recordAt, WATERMARK, 1);
    }
  }

  abstract static class Once extends ScalarFunction {
    static TimestampData moment(byte[] line, TimestampData recordAt, int at, long divisor) {
      GenericRowData row = READER.get().judged(line, recordAt.getMillisecond());
      return row.isNullAt(at) ? null : TimestampData.fromEpochMillis(row.getLong(at) / divisor);
    }

    // Otherwise the planner would evaluate it wherever its result is used.
    @Override
    public boolean isDeterministic() {
      return false;
    }
  }

  @Override
  public boolean isDeterministic() {
    return false;
  }

  public @DataTypeHint(value = ROW, bridgedTo = RowData.class) RowData eval(byte[] line,
      @DataTypeHint(value = LTZ, bridgedTo = TimestampData.class) TimestampData recordAt) {
    return READER.get().judged(line, recordAt.getMillisecond());
  }

  GenericRowData judged(byte[] line, long recordMs) {
    if (row == null || line == null || line != this.line || row.getLong(RECORD) != recordMs) {
      this.line = line;
      row = new GenericRowData(WIDTH);
      row.setField(RECORD, recordMs);
      String verdict = verdict(recordMs + FUTURE_MS);
      row.setField(VERDICT, StringData.fromString(verdict));
      row.setField(PAYLOAD, line == null || line.length <= LONGEST_MESSAGE ? line
          : Arrays.copyOf(line, LONGEST_MESSAGE));
      row.setField(BYTES, line == null ? null : (Object) (long) line.length);
    }
    return row;
  }

  private String verdict(long latestMs) {
    if (line == null) return "null_value";
    if (line.length > LONGEST_MESSAGE) return "oversize";
    if (!isObject()) return "not_a_json_object";
    Long event = integer(EVENT), mark = integer(MARK), sequence = integer(SEQUENCE);
    if (mark != null && mark / 1000 <= latestMs) row.setField(WATERMARK, mark / 1000);
    String symbol = text(TICKER), basis = text(BASIS), source = text(SOURCE);
    boolean isHeartbeat = HEARTBEAT.equals(symbol);
    if (!Long.valueOf(1).equals(integer(VERSION))) return "wrong_version";
    if (!isHeartbeat && !matches(SYMBOL, symbol)) return "bad_symbol";
    if (event == null || mark == null || sequence == null) return "bad_time";
    if (Math.max(event, mark) / 1000 > latestMs) return "from_the_future";
    row.setField(TICKER, StringData.fromString(symbol));
    if (isHeartbeat) return "heartbeat";
    for (int at = OPEN; at <= CLOSE; at++) if (decimal(at) <= 0) return "bad_price";
    boolean hasTrades = integer(TRADES) != null || isNull(TRADES);
    if (integer(VOLUME) == null || !hasTrades || decimal(NOTIONAL) < 0
        || !("trades".equals(basis) || "close".equals(basis))) return "bad_quantity";
    row.setField(BASIS, StringData.fromString(basis));
    if (!isDay()) return "no_session";
    if (!isNull(SOURCE) && (source == null
        || source.codePointCount(0, source.length()) > LONGEST_SOURCE)) return "bad_source";
    row.setField(SOURCE, StringData.fromString(source));
    return event / 1000 < mark / 1000 ? "behind_its_producer" : "bar";
  }

  /** Whether the line is one strict object; its fields are in `texts` and `tokens` then. */
  private boolean isObject() {
    Arrays.fill(texts, null);
    Arrays.fill(tokens, null);
    try {
      CharBuffer chars = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line));
      boolean hasEscapes = chars.toString().indexOf('\\') >= 0;
      try (JsonParser parser = JSON.createParser(chars.array(), 0, chars.limit())) {
        JsonToken token = parser.nextToken();
        if (token != JsonToken.START_OBJECT) return false;
        int depth = 1, at = -1;
        while (depth > 0) {
          token = parser.nextToken();
          String text = token.isStructStart() || token.isStructEnd() ? null : parser.getText();
          if (token.isNumeric() && text.length() > LONGEST_NUMBER) return false;
          if (hasEscapes && text != null && !encoder.canEncode(text)) return false;
          if (depth == 1 && token == JsonToken.FIELD_NAME) {
            at = FIELDS.indexOf(text);
          } else if (depth == 1 && at >= 0 && !token.isStructEnd()) {
            texts[at] = text;
            tokens[at] = token;
          }
          depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        }
        return parser.nextToken() == null;
      }
    } catch (IOException refused) {
      return false;
    }
  }

  private boolean isNull(int at) {
    return tokens[at] == null || tokens[at] == JsonToken.VALUE_NULL;
  }

  private static boolean matches(Pattern form, String text) {
    return text != null && form.matcher(text).matches();
  }

  private String text(int at) {
    return tokens[at] == JsonToken.VALUE_STRING ? texts[at] : null;
  }

  private Long integer(int at) {
    boolean isOne = tokens[at] == JsonToken.VALUE_NUMBER_INT && matches(INTEGER, texts[at]);
    row.setField(at, isOne ? (Object) Long.parseLong(texts[at]) : null);
    return (Long) row.getField(at);
  }

  /** Units of 1e-4, rounded half up; -1 for what is no decimal. */
  private long decimal(int at) {
    boolean isScalar = tokens[at] == JsonToken.VALUE_STRING
        || tokens[at] != null && tokens[at].isNumeric();
    if (!isScalar || !matches(DECIMAL, texts[at])) return -1;
    int point = texts[at].indexOf('.'), whole = point < 0 ? texts[at].length() : point;
    String digits = texts[at].substring(0, whole) + (texts[at] + ".").substring(whole + 1) + "00000";
    digits = digits.replace(".", "");
    long units = Long.parseLong(digits.substring(0, whole + DECIMALS));
    units += digits.charAt(whole + DECIMALS) >= '5' ? 1 : 0;
    if (units >= LARGEST_DECIMAL) return -1;
    row.setField(at, DecimalData.fromUnscaledLong(units, 18, DECIMALS));
    return units;
  }

  private boolean isDay() {
    String text = text(SESSION);
    if (!matches(DAY, text) || text.startsWith("0000")) return false;
    try {
      row.setField(SESSION, (int) LocalDate.parse(text).toEpochDay());
      return true;
    } catch (DateTimeException none) {
      return false;
    }
  }
}
