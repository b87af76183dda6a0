import { expect } from 'chai'
import { committerOf } from '../../../lib/consume/kafka/committer'

type Offsets = readonly { readonly partition: number; readonly offset: bigint }[]

describe('committerOf()', () => {
  const commits: Offsets[] = []
  let waiting: ((error?: Error) => void)[] = []
  let failures: unknown[] = []
  const group = {
    commit: ({ offsets }: { offsets: Offsets }) =>
      new Promise<void>((resolve, reject) => {
        commits.push(offsets)
        waiting.push((error) => (error === undefined ? resolve() : reject(error)))
      }),
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const shown = (): unknown[] => commits.map((offsets) => offsets.map(({ partition, offset }) => `${partition}:${offset}`))

  beforeEach(() => {
    commits.length = 0
    ;[waiting, failures] = [[], []]
  })

  it('tells the newest place of each partition, one request after the other', async () => {
    const committer = committerOf(group, 't', (error) => failures.push(error))
    committer.add([[0, 1n]])
    committer.add([[0, 2n]])
    committer.add([[1, 5n]])
    await turn()
    committer.add([[0, 3n]])
    committer.add([[0, 4n]])
    await turn()
    expect(shown()).to.deep.equal([['0:2', '1:5']])
    waiting[0]?.()
    await turn()
    expect(shown()).to.deep.equal([['0:2', '1:5'], ['0:4']])
    const settled = committer.settled()
    waiting[1]?.()
    await settled
    expect(failures).to.deep.equal([])
  })

  it('tells nothing after a failure, or when it is closed', async () => {
    const committer = committerOf(group, 't', (error) => failures.push((error as Error).message))
    committer.add([[0, 1n]])
    await turn()
    waiting[0]?.(new Error('UNKNOWN_MEMBER_ID'))
    await committer.settled()
    committer.add([[0, 2n]])
    await turn()
    expect(failures).to.deep.equal(['UNKNOWN_MEMBER_ID'])
    const closed = committerOf(group, 't', (error) => failures.push(error))
    closed.close()
    closed.add([[0, 9n]])
    await turn()
    expect(shown()).to.deep.equal([['0:1']])
  })
})
