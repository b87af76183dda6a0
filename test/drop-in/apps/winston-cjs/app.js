// A mailing list: express, winston (shared by all files, made long ago), CommonJS.
const { readFile } = require('node:fs/promises')
const express = require('express')
const winston = require('winston')

const logger = winston.createLogger({
  level: 'info',
  format: winston.format.combine(winston.format.timestamp(), winston.format.errors({ stack: true }), winston.format.json()),
  transports: [new winston.transports.Console()],
})

const subscribers = new Map()
const app = express()
app.use(express.json())

async function validate(nonce) {
  await readFile(__filename)
  logger.info('address looks right', { nonce })
}

function store(nonce, callback) {
  setTimeout(() => {
    subscribers.set(nonce, Date.now())
    logger.child({ part: 'store' }).info('subscriber stored', { nonce })
    callback()
  }, Math.random() * 10)
}

app.post('/subscribers', async (req, res, next) => {
  const { nonce } = req.body
  res.on('close', () => logger.info({ message: 'connection is done', nonce }))
  await validate(nonce)
  if (req.query.fail) throw new Error(`cannot subscribe ${nonce}`)
  store(nonce, (error) => {
    if (error) return next(error)
    logger.log('info', 'subscribed', { nonce })
    res.status(201).json({ nonce })
  })
})

app.use((error, req, res, _next) => {
  logger.error(error.message, { nonce: req.body.nonce })
  res.status(500).json({ error: 'internal' })
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
