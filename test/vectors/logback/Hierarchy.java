import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Reads rows of test/vectors/logback-hierarchy.json from stdin, tab-separated and without the last column, lets logback log at each
 * level, and prints for each row what it wrote: the last column.
 */
class Hierarchy {
  private static final Level[] CALLS = {Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR};

  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String row = in.readLine(); row != null; row = in.readLine()) {
      System.out.println(written(row.split("\t", -1)));
    }
  }

  /* columns: called, levels, appenders, notAdditive, as the vectors explain them */
  private static String written(String[] row) {
    LoggerContext context = new LoggerContext();
    StringBuilder heard = new StringBuilder();
    TreeMap<String, AppenderBase<ILoggingEvent>> known = new TreeMap<>();
    for (String one : entries(row[1])) {
      String[] entry = one.split("=");
      context.getLogger(entry[0]).setLevel(entry[1].equals("-") ? null : Level.valueOf(entry[1]));
    }
    for (String one : entries(row[2])) {
      String[] entry = one.split("=");
      AppenderBase<ILoggingEvent> appender = known.computeIfAbsent(entry[1], name -> appender(name, context, heard));
      context.getLogger(entry[0]).addAppender(appender);
    }
    for (String name : entries(row[3])) context.getLogger(name).setAdditive(false);
    Logger called = context.getLogger(row[0]);
    List<String> parts = new ArrayList<>();
    for (Level level : CALLS) {
      heard.setLength(0);
      org.slf4j.event.Level asked = org.slf4j.event.Level.valueOf(level.levelStr);
      called.atLevel(asked).log("x");
      if (heard.length() > 0) parts.add(level.levelStr + ":" + heard);
    }
    return String.join(" ", parts);
  }

  private static AppenderBase<ILoggingEvent> appender(String name, LoggerContext context, StringBuilder heard) {
    AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
      @Override
      protected void append(ILoggingEvent event) {
        heard.append(name);
      }
    };
    appender.setContext(context);
    appender.setName(name);
    appender.start();
    return appender;
  }

  private static String[] entries(String cell) {
    return cell.isEmpty() ? new String[0] : cell.split(" ");
  }
}
