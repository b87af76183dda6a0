// Takes orders: Express and a gRPC client, logging with pino.
import grpc from '@grpc/grpc-js'
import loader from '@grpc/proto-loader'
import express from 'express'
import pino from 'pino'
import { mdc, withSpan } from 'tracelane'
import { logSpans, traceMixin } from 'tracelane/adapters/pino'
import { traceClientInterceptor } from 'tracelane/interceptors/grpc'
import { traceMiddleware } from 'tracelane/middleware/express'
import { host, listening, logFile, onStop, patienceMs, ports, protoFile } from './service.mjs'

const destination = pino.destination({ dest: logFile('orders'), mkdir: true, sync: false })
const log = pino({ mixin: traceMixin, base: { service: 'orders' } }, destination)
logSpans(log)

const { shop } = grpc.loadPackageDefinition(loader.loadSync(protoFile, { keepCase: false }))
const stock = new shop.Stock(`${host}:${ports.stock}`, grpc.credentials.createInsecure(), {
  interceptors: [traceClientInterceptor()],
})

function reserve(reservation) {
  return new Promise((resolve, reject) => {
    stock.reserve(reservation, { deadline: Date.now() + patienceMs }, (error, reply) => (error ? reject(error) : resolve(reply)))
  })
}

// The voucher has no price: the bug that every shop has.
const prices = { lamp: { cents: 4900 }, sofa: { cents: 89_900 }, piano: { cents: 450_000 } }

const app = express()
app.use(traceMiddleware())
app.use(express.json())

app.post('/orders', async (req, res) => {
  const { orderId, item, quantity } = req.body
  mdc.put('orderId', orderId)
  log.info({ item, quantity }, 'order received')
  const total = withSpan('price order', () => prices[item].cents * quantity)
  const { warehouse } = await reserve({ orderId, item, quantity })
  log.info({ warehouse, total }, 'order placed')
  res.status(201).json({ orderId, warehouse, total })
})

app.use((err, _req, res, _next) => {
  if (err.code === grpc.status.FAILED_PRECONDITION) {
    log.warn({ reason: err.details }, 'order refused')
    res.status(409).json({ error: err.details })
    return
  }
  log.error({ err }, 'order failed')
  res.status(500).json({ error: 'internal error' })
})

const server = app.listen(ports.orders, host, (error) => listening('orders', error))
onStop(() => server.close(() => stock.close()))
