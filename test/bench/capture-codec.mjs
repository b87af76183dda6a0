// What does it cost the thread that logs to capture an event, beside writing its line, and the flush thread to make the line of it?
//
// The ways take turns, in short batches, in one process, on what is shipped (dist/). Of the batches of each, the fifth percentile: the
// one that other work on the machine disturbed least. It measures the Node that it runs on.
//
//   npm run build && node test/bench/capture-codec.mjs [rounds]
import { createRequire } from 'node:module'
import { table } from './support/measure.mjs'

const require = createRequire(import.meta.url)
const { captureEvent, currentScope, newTrace, runUnder } = require('../../dist/core.js')
const { CaptureCodec, CapturedRenderer, jsonLayout } = require('../../dist/logging.js')

const ROUNDS = Number(process.argv[2] ?? 300)
const EVENTS = 2_000
const EVENTS_A_TRACE = 100
const BATCH_SIZE = 64 * 1024
const QUANTILE = 0.05

const USERS = Array.from({ length: 1024 }, (_, i) => `user-${i}`)
const fieldsOf = {
  'three fields': (i) => ({ userId: USERS[i & 1023], amount: 99.5 + (i & 7), items: i }),
  'no field': () => undefined,
  'eight fields': (i) => ({
    userId: USERS[i & 1023],
    method: 'GET',
    path: '/api/v1/orders',
    status: 200,
    ms: i,
    bytes: 512,
    cached: true,
    tags: ['a'],
  }),
}
const msgOf = { 'one message': () => 'order placed', 'a new message each time': (i) => `order ${i} placed` }
const loads = [
  ['three fields', 'one message', EVENTS_A_TRACE],
  ['three fields', 'one message', 1],
  ['three fields', 'a new message each time', EVENTS_A_TRACE],
  ['no field', 'one message', EVENTS_A_TRACE],
  ['eight fields', 'one message', EVENTS_A_TRACE],
]

const scopes = Array.from({ length: 64 }, () => runUnder(newTrace(), currentScope))
const ring = Buffer.from(new SharedArrayBuffer(1024 * 1024))
const ORIGIN = { service: undefined }
/* So that no event is left out by the compiler. */
const kept = new Array(16)
let seq = 1

function eachEvent([fields, msg, run], use) {
  let scope
  for (let i = 0; i < EVENTS; i++) {
    if (i % run === 0) scope = scopes[(i / run) % scopes.length]
    const said = { level: 'info', logger: 'bench.orders', msg: msgOf[msg](i), fields: fieldsOf[fields](i), err: undefined }
    const event = captureEvent(scope, said)
    kept[i & 15] = event
    use(event)
  }
}

/* What the thread that logs may do with an event; each is made anew for each load. */
const ways = {
  event: () => () => undefined,
  line() {
    const layout = jsonLayout(ORIGIN, true)
    let text = ''
    return (event) => {
      text += layout(event, seq++)
      if (text.length < BATCH_SIZE) return
      ring.utf8Write(text, 0)
      text = ''
    }
  },
  capture: () => capturing((batch) => copyToRing(batch)),
}

function capturing(end) {
  const codec = new CaptureCodec(ORIGIN, true)
  return (event) => {
    codec.capture(event, seq++)
    codec.take()
    if (codec.size >= BATCH_SIZE) end(codec.end())
  }
}

function copyToRing({ dictionary, rows, records }) {
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength)
  ring.set(bytes, 0)
  ring.set(records, bytes.length)
  ring.utf8Write(dictionary, bytes.length + records.length)
}

/* Batches as they lie in the ring, and what is left of the last one is left out. */
function framesOf(load) {
  const frames = []
  const take = capturing(({ dictionary, rows, count, records }) =>
    frames.push({ dictionary: Buffer.from(dictionary), rows: rows.slice(), count, records: Uint8Array.from(records) }),
  )
  eachEvent(load, take)
  return frames
}

function timed(events, work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / events
}

const low = (values) => values.sort((a, b) => a - b)[Math.floor(values.length * QUANTILE)]

const lines = loads.map((load) => {
  const made = Object.entries(ways).map(([name, make]) => [name, make()])
  const renderer = new CapturedRenderer()
  const times = { event: [], line: [], capture: [], render: [] }
  const total = { lines: 0, bytes: 0, captured: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, use] of made) times[name].push(timed(EVENTS, () => eachEvent(load, use)))
    const frames = framesOf(load)
    const count = frames.reduce((sum, frame) => sum + frame.count, 0)
    times.render.push(
      timed(count, () => {
        for (const { dictionary, rows, count, records } of frames)
          total.bytes += renderer.render(dictionary, rows, count, records).length
      }),
    )
    total.lines += count
    for (const { dictionary, rows, records } of frames) total.captured += dictionary.length + rows.byteLength + records.length
  }
  const [event, line, capture, render] = ['event', 'line', 'capture', 'render'].map((name) => low(times[name]))
  const title = `${load[0]}, ${load[1]}, ${load[2] === 1 ? 'each event of another trace' : `${load[2]} events of a trace in a row`}`
  const figures = [line - event, capture - event, render, event, total.bytes / total.lines, total.captured / total.lines]
  return [title, ...figures.map((figure) => figure.toFixed(0)), ((capture - event) / (line - event)).toFixed(2)]
})

const header = ['', 'line, ns', 'capture, ns', 'render, ns', 'event, ns', 'bytes a line', 'captured', 'capture / line']
process.stdout.write(`${table(header, lines)}\n\nNode ${process.version}\n`)
