import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { rollingFileSink } from 'tracelane'
import { openRollingFileSink } from '../../../lib/sinks/rolling-file'
import { Compressor } from '../../../lib/sinks/rolling-file/compression/compressor'
import { tempFolder, until } from '../../support'
import { filesIn } from './lines-oracle'
import { awaitThreads } from './threads'

const never = (): boolean => false

describe('rollingFileSink()', () => {
  awaitThreads()

  it('has the compression of a file wait by chance up to jitterMs if its period has ended, and only then', () => {
    const path = join(tempFolder(), 'app.log')
    const clock = { time: Date.UTC(2026, 2, 1, 23), now: () => clock.time, elapsed: () => 0, processStart: 0, random: () => 0.25 }
    const waits: (number | undefined)[] = []
    const options = {
      path,
      filePattern: path.replace('.log', '-%d.%i.log.gz'),
      maxFileBytes: 2,
      jitterMs: 60_000,
      timezone: 'UTC',
    }
    const sink = openRollingFileSink(rollingFileSink(options).options, clock, { add: (_, waitMs) => waits.push(waitMs) })
    sink.write(Buffer.from('a\nb\n'), never)
    const started = waits.length
    expect(waits.at(-1), 'it was full').to.equal(0)
    clock.time += 3_600_000
    sink.write(Buffer.from('c\n'), never)
    sink.close()
    expect(waits.slice(started), 'the day had ended').to.deep.equal([15_000])
  })

  it('refuses a jitter that is none', () => {
    for (const jitterMs of [-1, 0.5, 86_400_001, '1']) {
      const wrong = (): unknown => rollingFileSink({ filePattern: 'x-%d', jitterMs: jitterMs as never })
      expect(wrong, String(jitterMs)).to.throw(/'jitterMs' must be an integer from 0 to 86400000/)
    }
  })

  it('compresses what has waited', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'a.log'), 'a\n')
    new Compressor().add([join(folder, 'a.log')], 1)
    await until('it is compressed', () => filesIn(folder).join() === 'a.log.gz')
    expect(gunzipSync(readFileSync(join(folder, 'a.log.gz'))).toString()).to.equal('a\n')
  })

  it('makes files and folders with the permissions that are asked for, compressed ones too', async function () {
    if (process.platform === 'win32') this.skip()
    const folder = join(tempFolder(), 'new')
    const modes = { mode: '0640', directoryMode: 0o750 }
    const filePattern = join(folder, '%d{yyyy}', 'app-%d{yyyy}.%i.log.gz')
    const spec = rollingFileSink({ path: join(folder, 'app.log'), filePattern, maxFileBytes: 2, ...modes })
    const clock = { now: () => Date.UTC(2026, 2, 1), elapsed: () => 0, processStart: 0, random: () => 0 }
    const sink = openRollingFileSink(spec.options, clock)
    sink.write(Buffer.from('a\nb\n'), never)
    await until('it is compressed', () => filesIn(folder).some((name) => name.endsWith('.gz')) && filesIn(folder).length === 2)
    sink.close()
    const free = 0o777 & ~process.umask()
    for (const name of filesIn(folder)) expect(statSync(join(folder, name)).mode & 0o777, name).to.equal(0o640 & free)
    for (const name of ['.', '2026']) {
      expect(statSync(join(folder, name)).mode & 0o777, name).to.equal(0o750 & free)
    }
  })
})
