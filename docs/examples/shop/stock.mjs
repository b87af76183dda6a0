// Keeps the stock: a gRPC server and a background job, logging with winston.
import { setTimeout as sleep } from 'node:timers/promises'
import grpc from '@grpc/grpc-js'
import loader from '@grpc/proto-loader'
import { mdc, withSpan } from 'tracelane'
import { logSpans, traceMeta } from 'tracelane/adapters/winston'
import { traceServerInterceptor } from 'tracelane/interceptors/grpc'
import winston from 'winston'
import { host, listening, logFile, onStop, ports, protoFile } from './service.mjs'

const { combine, errors, json, timestamp } = winston.format
const log = winston.createLogger({
  defaultMeta: traceMeta({ service: 'stock' }),
  format: combine(errors({ stack: true }), timestamp(), json()),
  transports: [new winston.transports.File({ filename: logFile('stock') })],
})
logSpans(log)

const shelves = {
  lamp: { warehouse: 'north', left: 1_000_000 },
  sofa: { warehouse: 'far away', left: 1_000_000, walkMs: 350 },
  piano: { warehouse: 'north', left: 0 },
}

async function reserve({ orderId, item, quantity }) {
  mdc.put('orderId', orderId)
  const shelf = shelves[item]
  log.info('counting', { item, warehouse: shelf.warehouse })
  if (shelf.walkMs !== undefined) {
    log.warn('slow warehouse', { expectedMs: shelf.walkMs })
    await withSpan('walk to the shelf', () => sleep(shelf.walkMs))
  }
  if (shelf.left < quantity) {
    log.warn('sold out', { item, left: shelf.left })
    throw Object.assign(new Error(`${item} is sold out`), { code: grpc.status.FAILED_PRECONDITION })
  }
  shelf.left -= quantity
  log.info('reserved', { item, left: shelf.left })
  return { warehouse: shelf.warehouse, left: shelf.left }
}

function restock() {
  const due = Object.entries(shelves).filter(([, shelf]) => shelf.left < 10)
  log.info('stock counted', { shelves: Object.keys(shelves).length, due: due.map(([item]) => item) })
}

const server = new grpc.Server({ interceptors: [traceServerInterceptor()] })
const { shop } = grpc.loadPackageDefinition(loader.loadSync(protoFile, { keepCase: false }))
server.addService(shop.Stock.service, {
  reserve: (call, callback) => {
    reserve(call.request).then((reply) => callback(null, reply), callback)
  },
})
server.bindAsync(`${host}:${ports.stock}`, grpc.ServerCredentials.createInsecure(), (error) => listening('stock', error))

// Nobody asked for this: outside any trace, withSpan begins a new one.
const job = setInterval(() => withSpan('count stock', restock), 5000)

onStop(() => {
  clearInterval(job)
  server.tryShutdown(() => {})
})
