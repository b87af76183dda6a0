import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.LoggerContextVO;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.event.KeyValuePair;

/**
 * Formats events by the real logback. Reads commands from standard input, one a line, their arguments in base64 and separated by
 * blanks; answers `format` with one line of base64. Started by patterns.mjs.
 */
class Patterns {
  private static final Pattern FRAME = Pattern.compile("at (.+)\\.([^.]+)\\((.+):(\\d+)\\)");

  private static String pattern;
  private static Instant time;
  private static Level level;
  private static String logger;
  private static String message;
  private static String thread;
  private static long startedAt;
  private static Map<String, String> mdc;
  private static Map<String, String> properties;
  private static List<KeyValuePair> pairs;
  private static Throwable error;
  private static final Deque<Throwable> open = new ArrayDeque<>();
  private static final List<List<StackTraceElement>> frames = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      for (int i = 1; i < words.length; i++) words[i] = new String(Base64.getDecoder().decode(words[i]), StandardCharsets.UTF_8);
      run(words);
    }
  }

  private static void run(String[] words) throws Exception {
    switch (words[0]) {
      case "begin" -> {
        pattern = words[1];
        time = Instant.ofEpochMilli(Long.parseLong(words[2]));
        level = Level.toLevel(words[3]);
        logger = words[4];
        message = words[5];
        thread = words[6];
        startedAt = Long.parseLong(words[7]);
        mdc = new LinkedHashMap<>();
        properties = new LinkedHashMap<>();
        pairs = new ArrayList<>();
        error = null;
      }
      case "mdc" -> mdc.put(words[1], words[2]);
      case "property" -> properties.put(words[1], words[2]);
      case "pair" -> pairs.add(new KeyValuePair(words[1], words[2]));
      case "error" -> openError(words[1], words[2], words[3]);
      case "frame" -> frames.get(frames.size() - 1).add(frame(words[1]));
      case "close" -> open.pop().setStackTrace(frames.remove(frames.size() - 1).toArray(new StackTraceElement[0]));
      case "format" -> System.out.println(Base64.getEncoder().encodeToString(format().getBytes(StandardCharsets.UTF_8)));
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static void openError(String role, String type, String text) throws Exception {
    Throwable next = (Throwable) Class.forName(type).getConstructor(String.class).newInstance(text);
    if (role.equals("cause")) open.peek().initCause(next);
    else if (role.equals("suppressed")) open.peek().addSuppressed(next);
    else error = next;
    open.push(next);
    frames.add(new ArrayList<>());
  }

  private static StackTraceElement frame(String text) {
    Matcher parts = FRAME.matcher(text);
    if (!parts.matches()) throw new IllegalArgumentException(text);
    return new StackTraceElement(parts.group(1), parts.group(2), parts.group(3), Integer.parseInt(parts.group(4)));
  }

  private static String format() {
    LoggerContext context = new LoggerContext();
    PatternLayout layout = new PatternLayout();
    layout.setContext(context);
    layout.setPattern(pattern);
    layout.start();
    if (!layout.isStarted()) return "";
    LoggingEvent event = new LoggingEvent("Patterns", context.getLogger(logger), level, message, error, null);
    event.setInstant(time);
    event.setThreadName(thread);
    event.setMDCPropertyMap(mdc);
    event.setLoggerContextRemoteView(new LoggerContextVO("default", properties, startedAt));
    for (KeyValuePair pair : pairs) event.addKeyValuePair(pair);
    return layout.doLayout(event);
  }
}
