import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { rollingFileSink } from 'tracelane'
import { openRollingFileSink } from '../../../lib/sinks/rolling-file'
import { takeTurn } from '../../../lib/sinks/rolling-file/roll-turn'
import { systemOwners } from '../../../lib/spool'
import { heavy, projectFile, RunningProgram, tempFolder } from '../../support'

const LINES = heavy ? 20_000 : 4_000
const PROGRAM = projectFile('test/fixtures/sinks/rolling-together.cjs')
const never = (): boolean => false

describe('rollingFileSink({ multiProcess })', () => {
  for (const killed of ['before', 'after', undefined]) {
    const what = killed === undefined ? 'none of which dies' : `one of which is killed ${killed} it has renamed a file`
    it(`loses, tears and doubles nothing of four processes, ${what}`, async function () {
      this.timeout(heavy ? 600_000 : 60_000)
      const folder = tempFolder()
      const path = join(folder, 'app.log')
      const names = ['a', 'b', 'c', 'd']
      const running = names.map((name) => {
        const args = [PROGRAM, path, name, String(LINES), name === 'a' && killed !== undefined ? killed : '']
        return new RunningProgram(process.execPath, args, { keepsInput: true, deadlineMs: 300_000 })
      })
      for (const { child } of running) child.stdin.end()
      const outcomes = await Promise.all(running.map(({ ended }) => ended))
      expect(outcomes.map(({ stderr }) => stderr)).to.deep.equal(['', '', '', ''])
      const found = readTogether(folder)
      for (const [n, { signal, stdout }] of outcomes.entries()) {
        const name = names[n] as string
        const acknowledged = Number(stdout.trimEnd().split('\n').at(-1))
        if (name === 'a' && killed !== undefined) expect(signal, 'it was killed').to.equal('SIGKILL')
        else expect(acknowledged).to.equal(LINES)
        const own = [...(found.get(name) ?? [])].sort((x, y) => x - y)
        expect(own, `the lines of ${name}`).to.deep.equal(Array.from(own, (_, i) => i))
        expect(own.length, `the lines of ${name}`).to.be.at.least(acknowledged)
      }
      const files = readdirSync(folder)
      expect(files.filter((file) => /^app\.\d+\.log$/.test(file)).length).to.be.above(10)
      if (killed === undefined) expect(files.filter((file) => file.includes('.roll-'))).to.deep.equal([])
    })
  }

  it('is refused where a process has the file for itself, and says what to do', () => {
    const path = join(tempFolder(), 'app.log')
    const parent = { ...systemOwners.self(), pid: process.ppid, started: undefined }
    writeFileSync(`${path}.lock`, JSON.stringify(parent))
    const sink = openRollingFileSink(rollingFileSink({ ...alone(path), multiProcess: true }).options)
    const result = sink.write(Buffer.from('a\n'), never)
    expect(result).to.deep.include({ outcome: 'retryable', written: 0 })
    expect(result)
      .to.have.property('reason')
      .that.matches(/^process \d+ writes to .*multiProcess/)
    expect(existsSync(path)).to.equal(false)
  })

  it('refuses what it cannot do with several processes', () => {
    const filePattern = 'x-%d.%i.log'
    const cases: readonly (readonly [Parameters<typeof rollingFileSink>[0], RegExp])[] = [
      [{ filePattern, maxFileBytes: 10 }, /needs a 'path'/],
      [{ filePattern: 'x-%d.log', path: 'x.log' }, /needs a %i/],
      [{ filePattern: `${filePattern}.gz`, path: 'x.log' }, /cannot compress/],
      [{ filePattern, path: 'x.log', rollOnStart: true }, /'rollOnStart'/],
    ]
    for (const [options, message] of cases) {
      expect(() => rollingFileSink({ ...options, multiProcess: true }), String(message)).to.throw(message)
    }
  })

  it('writes on while the turn is taken by one that lives, and takes over from one that is dead', () => {
    const path = join(tempFolder(), 'app.log')
    writeFileSync(path, '')
    const end = takeTurn(path, 7) as () => void
    expect(takeTurn(path, 7), 'another thread of this process has it').to.equal(undefined)
    end()
    const self = systemOwners.self()
    writeFileSync(`${path}.roll-7.1`, JSON.stringify({ ...self, pid: process.ppid, started: undefined }))
    expect(takeTurn(path, 7), 'the parent lives').to.equal(undefined)
    writeFileSync(`${path}.roll-7.1`, JSON.stringify({ ...self, started: '1' }))
    const taken = takeTurn(path, 7)
    expect(taken, 'a process of this number that started at another time').to.be.a('function')
    expect(readdirSync(join(path, '..')).sort()).to.deep.equal(['app.log', 'app.log.roll-7.1', 'app.log.roll-7.2'])
    taken?.()
    expect(readdirSync(join(path, '..'))).to.deep.equal(['app.log'])
  })

  it('finishes a file whose turn a killed process had', () => {
    const folder = tempFolder()
    const path = join(folder, 'app.log')
    const sink = openRollingFileSink(rollingFileSink({ ...alone(path), multiProcess: true }).options)
    sink.write(Buffer.from('a\n'), never)
    const dead = JSON.stringify({ ...systemOwners.self(), started: '1' })
    writeFileSync(`${path}.roll-${statSync(path).ino}.1`, dead)
    sink.write(Buffer.from('b\n'), never)
    sink.close()
    expect(readdirSync(folder).sort()).to.deep.equal(['app.1.log', 'app.log'])
    expect(readFileSync(join(folder, 'app.1.log'), 'utf8')).to.equal('a\n')
  })
})

function alone(path: string): Parameters<typeof rollingFileSink>[0] {
  return { path, filePattern: path.replace('.log', '.%i.log'), maxFileBytes: 2 }
}

/* The numbers of the lines of each process; throws for one that is torn. */
function readTogether(folder: string): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.log'))) {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    expect(lines.pop(), `the end of ${name}`).to.equal('')
    for (const line of lines) {
      const { who, i } = JSON.parse(line) as { who: string; i: number }
      found.set(who, [...(found.get(who) ?? []), i])
    }
  }
  return found
}
