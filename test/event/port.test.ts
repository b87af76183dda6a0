import { expect } from 'chai'
import { captureEvent, emit, subscribeEvents } from '../../lib/event'

describe('emit()', () => {
  it('tells every subscriber, whatever another one throws', () => {
    const heard: string[] = []
    const ends = [
      subscribeEvents({
        onEvent() {
          throw Object.create(null)
        },
      }),
      subscribeEvents({ onEvent: ({ msg }) => heard.push(msg) }),
    ]
    emit(captureEvent(undefined, { level: 'info', logger: 'x', msg: 'said' }))
    for (const end of ends) end()
    expect(heard).to.deep.equal(['said'])
  })
})
