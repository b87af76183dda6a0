// Prints the lines that kafkaSink or rocketmqSink has written to a topic, those of one trace from one process in order. Start it several times, and they share the work. Ctrl-C
// ends it; the next time it goes on from there. Servers to try it with: compose.yaml. RocketMQ wants the group made before, as is said there.
//
//   node docs/examples/print-logs.mjs kafka 127.0.0.1:9092 logs
//   node docs/examples/print-logs.mjs rocketmq 127.0.0.1:8081 logs collectors
import { createKafkaConsumer, createRocketmqConsumer } from 'tracelane/consume'

const [kind, address, topic, groupId = 'printers'] = process.argv.slice(2)

/* Acknowledged when the terminal, or whoever reads the pipe, has them. */
function print({ events }) {
  const text = events.map(({ line }) => `${line}\n`).join('')
  return new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())))
}

const consumer =
  kind === 'kafka'
    ? createKafkaConsumer({ brokers: [address], topic, groupId, handle: print })
    : createRocketmqConsumer({ endpoints: [address], topic, groupId, handle: print })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => consumer.close())
