import { rocketmqClassPath } from './artefacts'
import { RocketmqServer } from './server'

/*
 * Starts RocketMQ for people, with the FIFO topic `logs`: `npm run --silent build && node dist/test/brokers/rocketmq/start.js`. Prints where the proxy is;
 * Ctrl-C stops the server and removes its data.
 */
async function main(): Promise<void> {
  const classPath = await rocketmqClassPath()
  if (classPath === undefined) {
    process.exitCode = 1
    return
  }
  const server = await RocketmqServer.start({ classPath })
  await server.createTopic('logs')
  process.stdout.write(`${server.endpoint}\n`)
  const stop = (): void => void server.stop()
  process.once('SIGINT', stop).once('SIGTERM', stop)
}

void main()
