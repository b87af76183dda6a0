import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { OWNER, RingReader, WORD } from '../../../lib/appender/ring'
import { projectFile } from '../../support'
import { contentOf, type Ring, ringAt } from './ring.model'

const RING = projectFile('dist/lib/appender/ring/index.js')

/* The reader: a thread that does nothing but read, check and resolve. Wakes and sleeps as the flush thread does. */
const READER = `
const { workerData, parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const { QueueMemory, RingReader, WORD } = require(workerData.ring)
const memory = new QueueMemory(workerData.shared)
const reader = new RingReader(memory)
const { words } = memory
const hash = createHash('sha256')
let events = 0, sleeps = 0, wrongRows = 0
while (events < workerData.events) {
  const heard = Atomics.load(words, WORD.bell)
  const frame = reader.frame()
  if (frame === undefined) {
    sleeps++
    Atomics.store(words, WORD.waiting, 1)
    // A wake-up that is lost ends the test here.
    if (Atomics.wait(words, WORD.bell, heard, 15_000) === 'timed-out') throw new Error('nobody rang')
    Atomics.store(words, WORD.waiting, 0)
    continue
  }
  let units = 0
  for (let i = 0; i < frame.events; i++) units += frame.rows[i * frame.rowWords]
  if (units !== frame.text.toString().length || frame.firstSeq !== events) wrongRows++
  hash.update(frame.dictionary).update(frame.text)
  events += frame.events
  reader.resolve(frame, 'delivered', frame.text.length)
}
parentPort.postMessage({ digest: hash.digest('hex'), sleeps, wrongRows })`

interface Told {
  readonly digest: string
  readonly sleeps: number
  readonly wrongRows: number
}

function startReader(ring: Ring, events: number): Promise<Told> {
  const workerData = { ring: RING, shared: ring.memory.shared, events }
  const worker = new Worker(READER, { eval: true, workerData })
  return once(worker, 'message').then(([told]) => told as Told)
}

/* A sequence of numbers that looks random, and is the same each time. */
function scramble(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state >>> 8
  }
}

describe('a ring between two threads', () => {
  for (const { name, capacity, start, most, events } of [
    { name: 'a tiny ring, around the end of Int32', capacity: 4096, start: 2 ** 31 - 4096, most: 600, events: 60_000 },
    { name: 'a ring of 64 KiB, around zero', capacity: 65_536, start: -65_536, most: 4000, events: 60_000 },
  ]) {
    it(`brings every byte over in order, and wakes whoever sleeps: ${name}`, async () => {
      const ring = ringAt(capacity, start)
      const { memory, writer } = ring
      const told = startReader(ring, events)
      const random = scramble(events + capacity)
      const hash = createHash('sha256')
      let written = 0
      let waits = 0
      while (written < events) {
        const texts = Array.from({ length: Math.min(1 + (random() % 4), events - written) }, (_, i) => {
          const unit = ['x', 'é', '€', '😀'][random() % 4] as string
          return `${unit.repeat((random() % most) / 8)}${written + i}\n`
        })
        const content = contentOf(texts, written, random() % 3 === 0 ? 'f'.repeat(32) : '')
        while (!writer.write(content, 0)) {
          waits++
          const tail = Atomics.load(memory.words, WORD.tail)
          if (!writer.look()) expect(Atomics.wait(memory.words, WORD.tail, tail, 15_000), 'TAIL moves').to.not.equal('timed-out')
        }
        memory.ring()
        hash.update(content.dictionary).update(content.text)
        written += texts.length
        // Now and then the reader comes to the end and falls asleep.
        if (random() % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      const { digest, sleeps, wrongRows } = await told
      expect(wrongRows).to.equal(0)
      expect(digest).to.equal(hash.digest('hex'))
      expect(sleeps, 'slept and was woken').to.be.greaterThan(3)
      expect(waits, 'was full').to.be.greaterThan(3)
    })
  }

  it('lets one thread at a time write, when both want to', async () => {
    const { memory, writer } = ringAt(65_536)
    const rounds = 3000
    const taker = `
      const { workerData, parentPort } = require('node:worker_threads')
      const { OWNER, QueueMemory, RingReader, WORD } = require(workerData.ring)
      const memory = new QueueMemory(workerData.shared)
      const reader = new RingReader(memory)
      const { words } = memory
      const seen = []
      while (Atomics.load(words, WORD.stop) === 0 || !reader.isEmpty) {
        if (Atomics.compareExchange(words, WORD.owner, OWNER.free, OWNER.flush) !== OWNER.free) continue
        const frame = reader.frame()
        if (frame !== undefined) {
          seen.push(frame.firstSeq)
          reader.resolve(frame, 'delivered', 0)
        }
        Atomics.store(words, WORD.owner, OWNER.free)
      }
      parentPort.postMessage(seen)`
    const workerData = { ring: RING, shared: memory.shared }
    const worker = new Worker(taker, { eval: true, workerData })
    await once(worker, 'online')
    const reader = new RingReader(memory)
    const mine: number[] = []
    for (let i = 0; i < rounds; i++) {
      while (!writer.write(contentOf(['x'.repeat(i % 200)], i), 0)) writer.look()
      if (Atomics.compareExchange(memory.words, WORD.owner, OWNER.free, OWNER.main) !== OWNER.free) continue
      const frame = reader.frame()
      if (frame !== undefined) {
        mine.push(frame.firstSeq)
        reader.resolve(frame, 'delivered', 0)
      }
      Atomics.store(memory.words, WORD.owner, OWNER.free)
    }
    const told = once(worker, 'message')
    Atomics.store(memory.words, WORD.stop, 1)
    const [theirs] = (await told) as [number[]]
    expect([...mine, ...theirs].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: rounds }, (_, i) => i))
  })
})
