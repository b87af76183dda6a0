// A guest book with console.log, as many services begin: express, CommonJS.
const { EventEmitter } = require('node:events')
const express = require('express')

const entries = []
const queue = new EventEmitter()
queue.on('entry', (nonce, done) => {
  setTimeout(() => {
    entries.push(nonce)
    console.log('entry kept nonce=%s', nonce)
    done()
  }, Math.random() * 10)
})

const app = express()
app.use(express.urlencoded({ extended: false }))

app.post('/entries', (req, res, next) => {
  const { nonce } = req.body
  console.info(`entry comes nonce=${nonce}`)
  if (req.query.fail) return next(new Error(`spam nonce=${nonce}`))
  queue.emit('entry', nonce, () => {
    process.nextTick(() => console.log('entry announced', { nonce }))
    queueMicrotask(() => res.status(201).send('thank you'))
  })
})

app.use((error, _req, res, _next) => {
  console.log('refused:', error.message)
  res.status(500).send('no')
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
