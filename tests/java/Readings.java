// stdin: a line for each text, YAML in base64; stdout: a line of JSON for each, what SnakeYAML
// takes its documents for: {"data": […]} or {"refused": why}. A timestamp is {"!timestamp": text}.
// Starts with `java -cp snakeyaml.jar Readings.java`.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

public class Readings {
  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
    for (String line; (line = in.readLine()) != null; ) {
      out.println(read(new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8)));
    }
    out.flush();
  }

  static String read(String text) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    try {
      List<Object> documents = new ArrayList<>();
      new Yaml(new SafeConstructor(options)).loadAll(text).forEach(documents::add);
      return "{\"data\": " + json(documents) + "}";
    } catch (RuntimeException problem) {
      return "{\"refused\": " + json(String.valueOf(problem.getMessage()).split("\n")[0]) + "}";
    } catch (StackOverflowError problem) {
      return "{\"refused\": \"too deep\"}";
    }
  }

  static String json(Object value) {
    if (value == null || value instanceof Boolean) return String.valueOf(value);
    if (value instanceof Double && !Double.isFinite((Double) value)) return quoted(value.toString());
    if (value instanceof Number) return value.toString();
    if (value instanceof Date) return "{\"!timestamp\": " + ((Date) value).getTime() + "}";
    if (value instanceof byte[]) return "{\"!binary\": \"\"}";
    List<String> parts = new ArrayList<>();
    if (value instanceof Map) {
      for (Map.Entry<?, ?> one : ((Map<?, ?>) value).entrySet()) {
        String key = one.getKey() instanceof String ? (String) one.getKey() : "!" + json(one.getKey());
        parts.add(quoted(key) + ": " + json(one.getValue()));
      }
      return "{" + String.join(", ", parts) + "}";
    }
    if (value instanceof Collection) {
      for (Object one : (Collection<?>) value) parts.add(json(one));
      return "[" + String.join(", ", parts) + "]";
    }
    return quoted(value.toString());
  }

  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char one : text.toCharArray()) {
      if (one == '"' || one == '\\' || one < 0x20 || one > 0x7e) out.append(String.format("\\u%04x", (int) one));
      else out.append(one);
    }
    return out.append('"').toString();
  }
}
