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
const { CaptureCodec, CapturedRenderer, jsonLayout, MAX_COLUMNS } = require('../../dist/logging.js')

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

const ring = Buffer.from(new SharedArrayBuffer(4 * 1024 * 1024))
let seq = 1

function eachEvent(load, use) {
  const [fields, msg, run] = load
  let scope
  for (let i = 0; i < EVENTS; i++) {
    if (i % run === 0) scope = scopes[(i / run) % scopes.length]
    use(
      captureEvent(scope, {
        level: 'info',
        logger: 'bench.orders',
        msg: msgOf[msg](i),
        fields: fieldsOf[fields](i),
        err: undefined,
      }),
    )
  }
}
const scopes = Array.from({ length: 64 }, () => runUnder(newTrace(), currentScope))

/* The ways of the caller. Each has its functions compiled for itself, as in an application. */
const ways = {
  event: () => {
    let used = 0
    return (load) =>
      eachEvent(load, (event) => {
        if (event.time > 0) used++
      })
  },
  line: () => {
    const layout = jsonLayout({ service: undefined }, true)
    let text = ''
    return (load) => {
      eachEvent(load, (event) => {
        text += layout(event, seq++)
        if (text.length >= BATCH_SIZE) {
          ring.utf8Write(text, 0)
          text = ''
        }
      })
    }
  },
  capture: () => {
    const batch = batchOf(() => undefined)
    return (load) => eachEvent(load, batch)
  },
}

/* As an appender gathers captured events; `end` gets each batch. */
function batchOf(end) {
  const codec = new CaptureCodec({ service: undefined }, true)
  const rows = new Float64Array(BATCH_SIZE / 8 + MAX_COLUMNS)
  const rowBytes = new Uint8Array(rows.buffer)
  let at = 0
  let count = 0
  let records = ''
  return (event) => {
    const text = codec.capture(event, seq++)
    at = codec.take(rows, at)
    records += text
    count++
    if (at * 8 + records.length + codec.dictionarySize < BATCH_SIZE) return
    ring.set(at * 8 === rowBytes.length ? rowBytes : rowBytes.subarray(0, at * 8), 0)
    let to = at * 8
    to += ring.utf8Write(records, to)
    ring.utf8Write(codec.dictionary(), to)
    end({ rows: rows.slice(0, at), count, records }, codec)
    at = 0
    count = 0
    records = ''
  }
}

function framesOf(load) {
  const frames = []
  const codec = new CaptureCodec({ service: undefined }, true)
  const rows = new Float64Array(EVENTS * MAX_COLUMNS)
  let at = 0
  let count = 0
  let records = ''
  const end = () => {
    if (count === 0) return
    frames.push({ dictionary: Buffer.from(codec.dictionary()), rows: rows.slice(0, at), count, records: Buffer.from(records) })
    at = 0
    count = 0
    records = ''
  }
  eachEvent(load, (event) => {
    records += codec.capture(event, seq++)
    at = codec.take(rows, at)
    count++
    if (at * 8 + records.length + codec.dictionarySize >= BATCH_SIZE) end()
  })
  end()
  return frames
}

function timed(work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / EVENTS
}

const low = (values) => values.sort((a, b) => a - b)[Math.floor(values.length * QUANTILE)]

const rows = loads.map((names) => {
  const made = Object.fromEntries(Object.entries(ways).map(([name, make]) => [name, make()]))
  const renderer = new CapturedRenderer()
  const times = { event: [], line: [], capture: [], render: [] }
  let bytes = 0
  let size = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(made)) times[name].push(timed(() => way(names)))
    const frames = framesOf(names)
    bytes = 0
    size = 0
    times.render.push(
      timed(() => {
        for (const { dictionary, rows: columns, count, records } of frames) {
          bytes += renderer.render(dictionary, columns, count, records).length
          size += dictionary.length + columns.byteLength + records.length
        }
      }),
    )
  }
  const [event, line, capture, render] = ['event', 'line', 'capture', 'render'].map((name) => low(times[name]))
  const load = `${names[0]}, ${names[1]}, ${names[2]} events of a trace in a row`
  return [load, line - event, capture - event, render, event, bytes / EVENTS, size / EVENTS].map((cell) =>
    typeof cell === 'number' ? cell.toFixed(0) : cell,
  )
})

const header = ['', 'line, ns', 'capture, ns', 'render, ns', '(the event, ns)', 'bytes a line', 'captured']
process.stdout.write(`${table(header, rows)}\n\nNode ${process.version}\n`)
