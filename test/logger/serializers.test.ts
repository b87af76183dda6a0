import { expect } from 'chai'
import { close, configure, counters, getLogger, type LoggingOptions, type Serializers } from 'tracelane'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'

describe('serializers', () => {
  let captured: CapturedEvents
  const use = (serializers: Serializers): void => {
    void configure({ thread: false, serializers })
  }
  const last = (): Record<string, unknown> => JSON.parse(captured.lines.at(-1) ?? '{}') as Record<string, unknown>

  beforeEach(() => {
    captured = captureEvents()
  })

  afterEach(async () => {
    captured.restore()
    await close()
  })

  it('give what is written in the place of a field, of the call or of a child logger, and leave the object alone', () => {
    use({ user: (user) => (user as { name: string }).name.toUpperCase(), gone: () => undefined })
    const fields = { user: { name: 'ann', password: 'x' }, gone: 1, stays: { user: 'inside' } }
    getLogger('x').info('m', fields)
    expect(last())
      .to.include({ _user: 'ANN' })
      .and.deep.include({ stays: { user: 'inside' } })
    expect(last()).to.not.have.property('gone')
    expect(fields.user).to.deep.equal({ name: 'ann', password: 'x' })
    getLogger('x')
      .child({ user: { name: 'bob' } })
      .info('m')
    expect(last()).to.include({ _user: 'BOB' })
  })

  it('get the error of a call as err', () => {
    use({ err: (error) => ({ said: (error as Error).message }) })
    getLogger('x').error(new Error('boom'), 'failed')
    expect(last()['err']).to.deep.equal({ said: 'boom' })
    getLogger('x').error({ err: new Error('bang') }, 'failed')
    expect(last()['err']).to.deep.equal({ said: 'bang' })
  })

  it('that throw are replaced by a note, and counted; the other fields stay', () => {
    use({
      bad: () => {
        throw new Error('no')
      },
    })
    const before = counters.userCallbackErrors
    getLogger('x').info('m', { bad: 1, good: 2 })
    expect(last()).to.include({ msg: 'm', bad: '[serializer threw: no]', good: 2 })
    expect(counters.userCallbackErrors - before).to.equal(1)
  })

  it('are called for lines that are written only, and for fields that are there', () => {
    let calls = 0
    use({ user: () => ++calls })
    getLogger('x').debug('m', { user: 1 })
    getLogger('x').info('m', { other: 1, user: undefined })
    expect(calls).to.equal(0)
  })

  it('are those of the last configure()', () => {
    use({ user: () => 1 })
    void configure({ thread: false })
    getLogger('x').info('m', { user: { id: 7 } })
    expect(last()['user']).to.deep.equal({ id: 7 })
  })

  it('must be functions', () => {
    expect(() => configure({ serializers: { user: 'x' } } as unknown as LoggingOptions)).to.throw(
      /'serializers' must be an object of functions/,
    )
  })
})
