import { expect } from 'chai'
import { type SendPermit, SendPermits } from '../../../lib/appender/worker/send-permits'
import { StillClock } from './still-clock'

describe('SendPermits', () => {
  let clock: StillClock
  let permits: SendPermits

  beforeEach(() => {
    clock = new StillClock()
    permits = new SendPermits(2, clock.after)
  })

  async function refusal(timeoutMs: number): Promise<string> {
    return permits.acquire(timeoutMs).then(
      () => 'a permit',
      (error: Error) => error.message,
    )
  }

  it('gives as many as there are, and the next one to who waits longest when one is released', async () => {
    const [first] = [await permits.acquire(0), await permits.acquire(0)]
    const got: string[] = []
    const [a, b] = ['a', 'b'].map(async (name) => {
      const permit = await permits.acquire(1000)
      got.push(name)
      return permit
    })
    first.release()
    const permit = await (a as Promise<SendPermit>)
    expect(got).to.deep.equal(['a'])
    permit.release()
    await b
    expect(got).to.deep.equal(['a', 'b'])
    expect(permits.inFlight).to.equal(2)
    expect(clock.timers).to.equal(0)
  })

  it('takes each permit back once', async () => {
    const [first] = [await permits.acquire(0), await permits.acquire(0)]
    first.release()
    first.release()
    await permits.acquire(0)
    expect(permits.inFlight).to.equal(2)
    expect(await refusal(0)).to.equal('no permit to send within 0 ms: 0 waiting, 2 in flight')
  })

  it('refuses after the time, and says how many wait and are in flight', async () => {
    await permits.acquire(0)
    await permits.acquire(0)
    const refusals = [refusal(50), refusal(80)]
    clock.pass(50)
    expect(await refusals[0]).to.equal('no permit to send within 50 ms: 2 waiting, 2 in flight')
    clock.pass(30)
    expect(await refusals[1]).to.equal('no permit to send within 80 ms: 1 waiting, 2 in flight')
  })
})
