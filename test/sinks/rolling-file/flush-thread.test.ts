import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, getLogger, rollingFileSink } from 'tracelane'
import { tempFolder, until } from '../../support'
import { filesIn, readBack } from './lines-oracle'
import { awaitThreads } from './threads'

describe('rollingFileSink() behind an appender', () => {
  awaitThreads()

  for (const thread of [true, false]) {
    it(`has each line once, and is compressed beside ${thread ? 'the flush thread' : 'the thread that logs'}`, async () => {
      const folder = tempFolder()
      const filePattern = join(folder, 'app.%i.log.gz')
      void configure({
        sinks: [rollingFileSink({ path: join(folder, 'app.log'), filePattern, maxFileBytes: 20_000 })],
        ...{ thread, appendTimeoutMs: 60_000 },
      })
      const log = getLogger('rolling')
      // From warn on a line waits for room
      for (let i = 0; i < 2_000; i++) log.warn('a line', { n: String(i).padStart(6, '0') })
      const plain = (): string[] => filesIn(folder).filter((name) => name.endsWith('.log') && name !== 'app.log')
      await until('all is written', () => readLast(folder) === 1_999)
      await until('all is compressed', () => filesIn(folder).length > 5 && plain().length === 0)
      await close()
      const { numbers, wrong, bytes } = readBack(folder, new Set())
      expect(wrong).to.deep.equal([])
      expect([...numbers].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 2_000 }, (_, i) => i))
      expect(Object.values(bytes).every((size) => size <= 20_000)).to.equal(true)
    })
  }
})

/* The number of the last line, undefined while files change hands. */
function readLast(folder: string): number | undefined {
  try {
    return Math.max(...readBack(folder, new Set()).numbers)
  } catch {
    return undefined
  }
}
