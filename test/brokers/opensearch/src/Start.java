import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** OpenSearch with its HTTP interface, as one node: `java Start <folder> <port>`. Started by test/brokers/elasticsearch.test.ts. */
public final class Start extends Node {
    private Start(Environment environment) {
        super(environment, List.of(Netty4Plugin.class), true);
    }

    public static void main(String[] args) throws Exception {
        Settings settings = Settings.builder()
            .put("path.home", args[0])
            .put("node.name", "one")
            .put("cluster.name", "tracelane")
            .put("discovery.type", "single-node")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("network.host", "127.0.0.1")
            .put("http.port", args[1])
            .put("transport.port", "0")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("bootstrap.system_call_filter", false)
            .build();
        Node node = new Start(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "one"));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (java.io.IOException error) {
                error.printStackTrace();
            }
        }));
        node.start();
        System.out.println("started");
        // The threads of a node do not keep the process alive.
        new CountDownLatch(1).await();
    }
}
