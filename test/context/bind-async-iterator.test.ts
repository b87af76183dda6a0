import { Readable } from 'node:stream'
import { expect } from 'chai'
import { bindAsyncIterator, currentTraceId, isTracelaneError, runWithTrace } from 'tracelane'

describe('bindAsyncIterator()', () => {
  const seen: (string | undefined)[] = []
  const note = (): void => void seen.push(currentTraceId())

  async function* numbers(): AsyncGenerator<number, string, number> {
    let given = 0
    try {
      while (given < 9) {
        note()
        await null
        note()
        given = yield given + 1
      }
      return 'ended'
    } catch (error) {
      note()
      throw error
    } finally {
      note()
    }
  }

  const bind = (): { readonly id: string; readonly iterator: AsyncGenerator<number, string, number> } =>
    runWithTrace(() => ({ id: currentTraceId() as string, iterator: bindAsyncIterator(numbers()) }))

  beforeEach(() => {
    seen.length = 0
  })

  it('runs the body in the flow of the binding, and the loop in that of the consumer', async () => {
    const { id, iterator } = bind()
    await runWithTrace(async () => {
      const own = currentTraceId()
      for await (const value of iterator as AsyncIterable<number>) {
        expect(currentTraceId()).to.equal(own)
        if (value === 1) break
      }
      expect(currentTraceId()).to.equal(own)
    })
    expect(seen).to.deep.equal([id, id, id])
  })

  it('hands on what next(), return() and throw() take and give', async () => {
    const { id, iterator } = bind()
    expect(await iterator.next(0)).to.deep.equal({ value: 1, done: false })
    expect(await iterator.next(4)).to.deep.equal({ value: 5, done: false })
    expect(await iterator.next(9)).to.deep.equal({ value: 'ended', done: true })
    expect(await bind().iterator.return('early')).to.deep.equal({ value: 'early', done: true })
    const other = bind()
    seen.length = 0
    await other.iterator.next(0)
    const fault = new Error('mine')
    expect(await other.iterator.throw(fault).catch((error: unknown) => error)).to.equal(fault)
    expect(seen).to.deep.equal(Array(4).fill(other.id)).and.not.include(id)
  })

  it('is its own iterator if the source is', () => {
    const { iterator } = bind()
    expect(iterator[Symbol.asyncIterator]()).to.equal(iterator)
  })

  it('has return() and throw() only if the source has them', async () => {
    const bare: AsyncIterableIterator<number> = {
      next: async () => ({ value: 1, done: false }),
      [Symbol.asyncIterator]() {
        return this
      },
    }
    expect(Object.keys(bindAsyncIterator(bare))).to.deep.equal(['next'])
    for await (const value of bindAsyncIterator(bare)) {
      expect(value).to.equal(1)
      break
    }
  })

  it('takes streams, and can be iterated again if the source can', async () => {
    const chunks: unknown[] = []
    for await (const chunk of bindAsyncIterator(Readable.from(['a', 'b']))) chunks.push(chunk)
    const bound = runWithTrace(() => bindAsyncIterator({ [Symbol.asyncIterator]: numbers }))
    for (let i = 0; i < 2; i++) {
      for await (const value of bound) {
        chunks.push(value)
        break
      }
    }
    expect(chunks).to.deep.equal(['a', 'b', 1, 1])
    expect(new Set(seen).size).to.equal(1)
  })

  it('can be disposed of as its source can, in the flow of the binding', async () => {
    const seen: unknown[] = []
    const source = {
      [Symbol.asyncIterator]: () => source,
      next: () => Promise.resolve({ done: true, value: undefined } as const),
      [Symbol.asyncDispose]: () => Promise.resolve(void seen.push(currentTraceId())),
    }
    const [id, iterator] = runWithTrace(() => [currentTraceId(), bindAsyncIterator(source)] as const)
    await runWithTrace(() => (iterator as typeof source)[Symbol.asyncDispose]())
    expect(seen).to.deep.equal([id])
    async function* numbers(): AsyncGenerator<number> {
      yield 1
    }
    expect(Symbol.asyncDispose in bindAsyncIterator(numbers())).to.equal(Symbol.asyncDispose in numbers())
  })

  it('ties to no trace outside any', async () => {
    const iterator = bindAsyncIterator(numbers())
    await runWithTrace(() => iterator.next(0))
    expect(seen).to.deep.equal([undefined, undefined])
    await iterator.return('over')
  })

  it('refuses what is no async iterable, and names the cure', () => {
    for (const wrong of [[1], undefined, 7, { next: () => undefined }]) {
      expect(() => bindAsyncIterator(wrong as unknown as AsyncIterable<number>))
        .to.throw(/bind its next\(\) with bindTrace/)
        .that.satisfies(isTracelaneError)
    }
  })
})
