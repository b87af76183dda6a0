// What the three services share: where they listen, where they log, and how they stop.
import { join } from 'node:path'

const {
  GATEWAY_PORT = '4310',
  ORDERS_PORT = '4311',
  STOCK_PORT = '4312',
  LOG_DIR = 'logs/shop',
  PATIENCE_MS = '3000',
} = process.env

export const host = '127.0.0.1'
export const ports = { gateway: Number(GATEWAY_PORT), orders: Number(ORDERS_PORT), stock: Number(STOCK_PORT) }
export const logFile = (service) => join(LOG_DIR, `${service}.log`)
/** How long a service waits for the next one; the one before it waits a little longer. */
export const patienceMs = Number(PATIENCE_MS)
export const protoFile = join(import.meta.dirname, 'shop.proto')

/** Tells start.mjs how listening went; a port in use ends the process with one sentence. */
export function listening(service, error) {
  if (!error) {
    process.send?.({ ready: true })
    return
  }
  const inUse = error.message.includes('EADDRINUSE')
  const why = inUse ? `port ${ports[service]} is in use; choose others with --port` : error.message
  const sentence = `${service} cannot start: ${why}`
  if (process.send === undefined) console.error(sentence)
  else process.send({ failed: sentence })
  process.exitCode = 1
  stop()
}

let close = () => {}
let stopping = false

/*
 * No process.exit(): the process ends by itself when the last request has been answered and the last log line written, so
 * nothing is lost. A request that hangs gets five seconds.
 */
function stop() {
  if (stopping) return
  stopping = true
  setTimeout(() => process.exit(1), 5000).unref()
  close()
  if (process.connected) process.disconnect()
}

/** Calls `shutDown` on SIGTERM, on SIGINT, and when start.mjs is gone. */
export function onStop(shutDown) {
  close = shutDown
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(event, stop)
}
