// A stock service behind an HTTP front: express, gRPC, pino, ES modules.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import express from 'express'
import { pino } from 'pino'

const log = pino()
const proto = fileURLToPath(new URL('stock.proto', import.meta.url))
const { shop } = grpc.loadPackageDefinition(loadSync(proto))

const stock = new grpc.Server()
stock.addService(shop.Stock.service, {
  async Reserve({ request }, callback) {
    await pause(Math.random() * 10)
    log.info({ nonce: request.nonce }, 'reserved')
    callback(null, { text: 'ok' })
  },
  async Watch(call) {
    for (let step = 1; step <= 2; step++) {
      await pause(Math.random() * 5)
      log.info({ nonce: call.request.nonce, step }, 'level sent')
      call.write({ text: `level ${step}` })
    }
    call.end()
  },
})

const credentials = grpc.ServerCredentials.createInsecure()
const stockPort = await new Promise((resolve, reject) =>
  stock.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
)
const client = new shop.Stock(`127.0.0.1:${stockPort}`, grpc.credentials.createInsecure())

const app = express()
app.post('/reservations/:nonce', (req, res, next) => {
  const { nonce } = req.params
  log.info({ nonce }, 'reservation asked for')
  client.Reserve({ nonce }, async (error, answer) => {
    if (error) return next(error)
    log.info({ nonce, answer: answer.text }, 'stock answered')
    const watching = client.Watch({ nonce })
    watching.on('data', ({ text }) => log.info({ nonce, text }, 'level heard'))
    await once(watching, 'end')
    log.info({ nonce }, 'reservation made')
    res.status(201).json({ nonce })
  })
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => {
  server.close()
  client.close()
  stock.forceShutdown()
})
