import { readFileSync } from 'node:fs'
import { type CallOptions, Metadata, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { runWithTrace } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { CallLimit } from '../../../interceptors/grpc/limit'
import { Lanes, type LanesHandlers, ownOfTest, unary } from '../../support/grpc-lanes'
import { projectFile } from '../../support/project'

/* A front service that calls a back service, and a caller of the front. */
describe('traceClientInterceptor({ propagateDeadline: true })', () => {
  const own = ownOfTest()

  async function open(handlers: LanesHandlers, propagateDeadline = true): Promise<Lanes> {
    const server = [traceServerInterceptor()]
    return own(await Lanes.open(handlers, { server, client: [traceClientInterceptor({ propagateDeadline })] }))
  }

  /* The deadline that the back service sees when the front is called with `front` and calls it with `back`. */
  async function seenDeadline(front: CallOptions, back: CallOptions, propagates = true): Promise<number> {
    let seen = Number.NaN
    const backLanes = await open(
      {
        Unary(call, callback) {
          seen = Number(call.getDeadline())
          callback(null, { text: 'back' })
        },
      },
      propagates,
    )
    const frontLanes = await open({
      async Unary(_call, callback) {
        await unary(backLanes.client, new Metadata(), back)
        callback(null, { text: 'front' })
      },
    })
    await unary(frontLanes.client, new Metadata(), front)
    return seen
  }

  const inMs = (ms: number): number => Date.now() + ms

  it('gives a call without a deadline that of the served call', async () => {
    expect(await seenDeadline({ deadline: inMs(5000) }, {})).to.be.within(inMs(3000), inMs(5100))
  })

  it('takes the earlier of both, given as a number or as a Date', async () => {
    expect(await seenDeadline({ deadline: inMs(5000) }, { deadline: new Date(inMs(60_000)) })).to.be.below(inMs(5100))
    expect(await seenDeadline({ deadline: inMs(60_000) }, { deadline: new Date(inMs(5000)) })).to.be.below(inMs(5100))
  })

  it('leaves a call alone when the served call has no deadline, and without the option', async () => {
    expect(await seenDeadline({}, {})).to.equal(Number.POSITIVE_INFINITY)
    expect(await seenDeadline({ deadline: inMs(5000) }, {}, false)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('cancels what the served call waits for when it is cancelled, and what it calls afterwards', async () => {
    let cancelFront = (): void => undefined
    const reached = new Promise<void>((arrived) => {
      cancelFront = arrived
    })
    let backCancelled = (): void => undefined
    const backSawCancel = new Promise<void>((resolve) => {
      backCancelled = resolve
    })
    const back = await open({
      Unary(call) {
        call.on('cancelled', () => backCancelled())
        cancelFront()
      },
    })
    const codes: Promise<number[]> = new Promise((resolve) => {
      open({
        async Unary() {
          const first = await unary(back.client)
          const second = await unary(back.client)
          resolve([first.code, second.code])
        },
      }).then(({ client }) => {
        const call = client.Unary({ text: 'x' }, new Metadata(), {}, () => undefined)
        void reached.then(() => call.cancel())
      })
    })
    await backSawCancel
    expect(await codes).to.deep.equal([status.CANCELLED, status.CANCELLED])
  })

  it('frees a flow whose served call was answered, and one in another trace', async () => {
    const deadlines: number[] = []
    const back = await open({
      Unary(call, callback) {
        deadlines.push(Number(call.getDeadline()))
        callback(null, { text: 'back' })
      },
    })
    const done = new Promise<void>((resolve) => {
      open({
        async Unary(call, callback) {
          await runWithTrace(() => unary(back.client))
          // grpc-js says so at the end of every call
          const ended = new Promise((resolveEnd) => call.on('cancelled', resolveEnd))
          callback(null, { text: 'early' })
          await ended
          await unary(back.client)
          resolve()
        },
      }).then(({ client }) => unary(client, new Metadata(), { deadline: inMs(5000) }))
    })
    await done
    expect(deadlines).to.deep.equal([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
  })

  it('still bounds a handler that goes on after the deadline', async () => {
    const back = await open({ Unary: (_call, callback) => callback(null, { text: 'back' }) })
    const code = new Promise<number>((resolve) => {
      open({
        Unary(call) {
          call.on('cancelled', async () => resolve((await unary(back.client)).code))
        },
      }).then(({ client }) => unary(client, new Metadata(), { deadline: inMs(40) }))
    })
    expect(await code).to.equal(status.DEADLINE_EXCEEDED)
  })

  it('refuses a value that is no boolean', () => {
    expect(() => traceClientInterceptor({ propagateDeadline: 1 } as never)).to.throw("'propagateDeadline' must be true or false")
  })
})

describe('CallLimit', () => {
  it('forgets a call that has ended', () => {
    const limit = new CallLimit(1000)
    const cancelled: string[] = []
    const leave = limit.onCancel(() => cancelled.push('ended before'))
    limit.onCancel(() => cancelled.push('under way'))
    leave()
    limit.cancel()
    limit.onCancel(() => cancelled.push('made later'))
    expect(cancelled).to.deep.equal(['under way', 'made later'])
    expect(limit.deadline).to.equal(1000)
  })

  it('knows nothing of the served call, so that no idle socket keeps one alive', () => {
    const source = readFileSync(projectFile('interceptors/grpc/limit.ts'), 'utf8')
    expect(source).to.not.match(/ServerInterceptingCall|ServedCall/)
    const fields = Object.values(new CallLimit(new Date(5)))
    expect(fields).to.deep.equal([5])
  })
})
