import { expect } from 'chai'
import { type AsyncAppenderOptions, resolveAppenderOptions } from '../../lib/appender'
import type { Flusher } from '../../lib/appender/flusher'
import { Patience } from '../../lib/appender/patience'
import { QueueMemory, WORD } from '../../lib/appender/ring'

describe('Patience', () => {
  const { now } = performance
  let time: number
  let memory: QueueMemory
  let waits: { readonly ms: number; readonly help: boolean }[]
  /* What happens while somebody waits. */
  let meanwhile: () => void

  const flusher = {
    waitForProgress(ms: number, help: boolean): boolean {
      waits.push({ ms, help })
      time += ms
      meanwhile()
      return false
    },
  } as Flusher

  beforeEach(() => {
    time = 1000
    memory = QueueMemory.create(4096)
    waits = []
    meanwhile = () => {}
    performance.now = () => time
  })

  afterEach(() => {
    performance.now = now
  })

  function patience(options: AsyncAppenderOptions = {}): Patience {
    return new Patience(memory, resolveAppenderOptions(options))
  }

  const never = (): boolean => false

  it('does not wait for what is there', () => {
    expect(patience().wait('room', flusher, () => true)).to.equal(true)
    expect(waits).to.deep.equal([])
  })

  it('waits for room as long as appendTimeoutMs, in slices, and counts how long', () => {
    const subject = patience({ appendTimeoutMs: 250 })
    expect(subject.wait('room', flusher, never)).to.equal(false)
    expect(waits.map(({ ms }) => ms)).to.deep.equal([100, 100, 50])
    expect(subject.blockedMs).to.equal(250)
  })

  it('has block and sync help the flusher for room, and nobody for safety', () => {
    for (const [overflow, help] of [
      ['discard', false],
      ['sync', true],
      ['block', true],
    ] as const) {
      waits = []
      let looks = 0
      patience({ overflow }).wait('room', flusher, () => ++looks > 1)
      patience({ overflow }).wait('safety', flusher, never)
      expect(waits).to.deep.equal([
        { ms: overflow === 'block' ? 100 : 50, help },
        { ms: 50, help: false },
      ])
    }
  })

  it('ends as soon as there is room', () => {
    meanwhile = () => {
      memory.words[WORD.tail] = 64
    }
    const subject = patience({ appendTimeoutMs: 1000 })
    expect(subject.wait('room', flusher, () => memory.words[WORD.tail] === 64)).to.equal(true)
    expect(subject.blockedMs).to.equal(100)
  })

  it('does not wait again after a wait in vain until something was written', () => {
    const subject = patience()
    subject.wait('room', flusher, never)
    expect(subject.wait('room', flusher, never)).to.equal(false)
    expect(subject.wait('safety', flusher, never)).to.equal(false)
    memory.words[WORD.beat] = 7
    expect(subject.wait('room', flusher, never), 'somebody tries in vain').to.equal(false)
    expect(waits).to.have.length(1)
    for (const word of [WORD.tail, WORD.written]) {
      memory.words[word] = 8
      subject.wait('room', flusher, never)
      subject.wait('room', flusher, never)
    }
    expect(waits).to.have.length(3)
    expect(subject.blockedMs).to.equal(150)
  })

  it('waits for ever with block, as long as the flusher shows signs of life', () => {
    let beats = 0
    meanwhile = () => {
      beats++
      if (beats % 90 === 0) Atomics.add(memory.words, WORD.beat, 1)
    }
    expect(patience({ overflow: 'block' }).wait('room', flusher, () => beats === 2000)).to.equal(true)
    expect(time).to.equal(201_000)
  })

  it('gives up with block when there was no sign of life for ten seconds, and waits again when there is one', () => {
    const subject = patience({ overflow: 'block' })
    expect(subject.wait('room', flusher, never)).to.equal(false)
    expect(time).to.equal(11_000)
    expect(subject.wait('room', flusher, never)).to.equal(false)
    expect(time, 'not again').to.equal(11_000)
    Atomics.add(memory.words, WORD.beat, 1)
    let looks = 0
    expect(subject.wait('room', flusher, () => ++looks > 5)).to.equal(true)
    expect(time).to.equal(11_500)
  })
})
