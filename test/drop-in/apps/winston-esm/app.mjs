// A report that asks a second service by axios: express, winston, ES modules.
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import axios from 'axios'
import express from 'express'
import winston from 'winston'

const logger = winston.createLogger({
  format: winston.format.json(),
  transports: [new winston.transports.Console()],
})

const figures = express()
figures.get('/figures/:nonce', async (req, res) => {
  await pause(Math.random() * 10)
  logger.info('figures read', { nonce: req.params.nonce })
  res.json([1, 2, 3])
})
const backend = figures.listen(0)

const api = axios.create({ baseURL: `http://127.0.0.1:${backend.address().port}`, proxy: false })
const app = express()
app.get('/reports/:nonce', async (req, res) => {
  const { nonce } = req.params
  logger.info('report asked for', { nonce })
  const [first, second] = await Promise.all([api.get(`/figures/${nonce}`), api.get(`/figures/${nonce}`)])
  logger.info('figures are here', { nonce, count: first.data.length + second.data.length })
  for await (const part of parts()) logger.info('part written', { nonce, part })
  res.json({ nonce })
})

async function* parts() {
  for (const part of ['head', 'body']) {
    await turn()
    yield part
  }
}

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => {
  server.close()
  backend.close()
})
