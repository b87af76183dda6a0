// A parcel desk: express, log4js with categories, CommonJS.
const { readFile } = require('node:fs/promises')
const express = require('express')
const log4js = require('log4js')

log4js.configure({
  appenders: { out: { type: 'stdout', layout: { type: 'pattern', pattern: '%p %c %m' } } },
  categories: { default: { appenders: ['out'], level: 'info' } },
})
const log = log4js.getLogger('parcels')
const store = log4js.getLogger('parcels.store')

const app = express()

async function save(nonce) {
  await readFile(__filename)
  store.info('parcel %s stored', nonce)
}

app.put('/parcels/:nonce', async (req, res) => {
  const { nonce } = req.params
  log.info('parcel %s arrived', nonce)
  await save(nonce)
  if (req.query.fail) throw new Error(`parcel ${nonce} is too heavy`)
  log.info('parcel accepted', { nonce })
  res.status(201).end()
})

app.use((error, _req, res, _next) => {
  log.error('parcel refused', error)
  res.status(422).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close(() => log4js.shutdown()))
