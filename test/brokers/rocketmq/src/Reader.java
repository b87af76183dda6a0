import com.alibaba.fastjson2.JSON;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Prints all messages of a topic, each as a line of JSON, in order within each queue: with the Java client, which is not the one under test. */
public class Reader {
  private static final long ROUTE_MS = 60_000;

  public static void main(String[] args) {
    try {
      read(args[0], args[1]);
      System.exit(0);
    } catch (Exception error) {
      error.printStackTrace();
      // Threads of the client would keep the process.
      System.exit(1);
    }
  }

  private static void read(String nameServer, String topic) throws Exception {
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("reader");
    consumer.setNamesrvAddr(nameServer);
    consumer.start();
    StringBuilder out = new StringBuilder();
    for (MessageQueue queue : queuesOf(consumer, topic)) {
      long offset = consumer.minOffset(queue);
      long end = consumer.maxOffset(queue);
      while (offset < end) {
        PullResult pulled = consumer.pull(queue, "*", offset, 32);
        if (pulled.getPullStatus() == PullStatus.FOUND) pulled.getMsgFoundList().forEach(found -> print(out, found));
        offset = pulled.getNextBeginOffset();
      }
    }
    System.out.println(out);
    System.out.println("read to the end");
  }

  /* A broker that has just come back is not known to the name server at once. */
  private static Set<MessageQueue> queuesOf(DefaultMQPullConsumer consumer, String topic) throws Exception {
    for (long until = System.currentTimeMillis() + ROUTE_MS; ; Thread.sleep(200)) {
      try {
        return consumer.fetchSubscribeMessageQueues(topic);
      } catch (MQClientException error) {
        if (System.currentTimeMillis() > until) throw error;
      }
    }
  }

  private static void print(StringBuilder out, MessageExt found) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("queue", found.getQueueId());
    shown.put("offset", found.getQueueOffset());
    shown.put("body", Base64.getEncoder().encodeToString(found.getBody()));
    shown.put("properties", found.getProperties());
    out.append(JSON.toJSONString(shown)).append('\n');
  }
}
