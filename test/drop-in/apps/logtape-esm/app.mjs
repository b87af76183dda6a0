// Parcels, logged with LogTape: express, ES modules.
import { setTimeout as pause } from 'node:timers/promises'
import { configure, getConsoleSink, getLogger } from '@logtape/logtape'
import express from 'express'

await configure({
  sinks: { out: getConsoleSink() },
  loggers: [
    { category: 'parcels', lowestLevel: 'debug', sinks: ['out'] },
    { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['out'] },
  ],
})
const log = getLogger(['parcels', 'web'])

const app = express()
app.get('/parcels/:nonce', async (req, res) => {
  const { nonce } = req.params
  log.info('{nonce} asked for', { nonce })
  await scan(nonce)
  if (req.query.fail) throw new Error(`${nonce} is lost`)
  log.with({ nonce }).info`handed over in ${Math.round(Math.random() * 9)} days`
  res.send('ok')
})

async function scan(nonce) {
  await pause(Math.random() * 10)
  getLogger(['parcels', 'scanner']).debug('scanned', () => ({ nonce }))
}

app.use((error, _req, res, _next) => {
  log.error('no parcel: {error}', { error })
  res.status(404).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
