import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { claimSpoolDirectory } from '../../lib/spool'
import { TestSpool } from '../spool/spools'
import { type Outcome, projectFile, run, runNode, tempFolder } from '../support'

const { bin } = require('tracelane/package.json') as { bin: { tracelane: string } }
const binary = projectFile(bin.tracelane)
const tracelane = (...args: string[]): Promise<Outcome> => runNode([binary, 'spool', ...args])

/* Two spools in one base: three records of which one is committed, and one record. */
function spoolsIn(base: string): { readonly orders: TestSpool; readonly audit: TestSpool } {
  const orders = new TestSpool(join(base, 'orders.01a2205ac234ce679a39'))
  const audit = new TestSpool(join(base, 'audit.01a2205ac234ce679a40'))
  mkdirSync(join(base, 'something-else'))
  const writer = orders.writer()
  for (const line of ['{"n":1}\n', '{"n":2}\n{"n":3}\n', '{"n":4}'])
    writer.append(Buffer.from(line), { events: line.split('\n').length - 1 || 1 })
  writer.close()
  const reader = orders.reader()
  const found = reader.next()
  if (found.kind === 'record') reader.commit(found.next)
  reader.close()
  const other = audit.writer()
  other.append(Buffer.from('{"audit":1}\n'), { events: 1 })
  other.close()
  return { orders, audit }
}

function fingerprint(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory).sort()) {
    hash.update(`${name} ${statSync(join(directory, name)).mtimeMs} `)
    hash.update(readFileSync(join(directory, name)))
  }
  return hash.digest('hex')
}

function damage(spool: TestSpool, at: number, torn: number): void {
  const [path] = spool.segments() as [string]
  const bytes = readFileSync(path)
  bytes.fill(0xaa, at, at + 8)
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(torn, 7)]))
}

describe('tracelane spool', () => {
  let base: string
  let orders: TestSpool
  let audit: TestSpool
  beforeEach(() => {
    base = tempFolder()
    const spools = spoolsIn(base)
    orders = spools.orders
    audit = spools.audit
  })

  it('ls says what waits in each spool of a directory, or in one', async () => {
    const { code, stdout, stderr } = await tracelane('ls', base)
    expect([code, stderr]).to.deep.equal([0, ''])
    expect(stdout).to.equal(
      `${audit.directory}: 1 records, 1 events, 12 bytes in 1 segment, in no use\n` +
        `${orders.directory}: 2 records, 3 events, 23 bytes in 1 segment, in no use\n`,
    )
    const one = JSON.parse((await tracelane('ls', orders.directory, '--json')).stdout)
    expect(one).to.have.length(1)
    expect(one[0]).to.deep.include({ owed: { records: 2, events: 3, bytes: 23 }, usedBy: null, problems: [] })
  })

  it('verify reads all, says what is wrong and where, and never writes', async () => {
    expect((await tracelane('verify', base)).code).to.equal(0)
    damage(orders, 70, 5)
    const before = fingerprint(orders.directory)
    const { code, stdout, stderr } = await tracelane('verify', orders.directory)
    expect(code).to.equal(1)
    const [name] = readdirSync(orders.directory).filter((file) => file.endsWith('.seg'))
    expect(stdout).to.contain(`  ! ${name} is damaged: 1 places, 56 bytes\n`)
    expect(stdout).to.contain(`  ! ${name} has a torn end: 5 bytes\n`)
    expect(stderr).to.match(/2 things are wrong; 'tracelane spool repair' mends them \(ERR_TRACELANE_SPOOL_DAMAGED\)/)
    expect(fingerprint(orders.directory)).to.equal(before)
  })

  it('repair mends what verify finds, and keeps every record that can be read', async () => {
    damage(orders, 70, 5)
    const { code, stdout } = await tracelane('repair', orders.directory)
    expect(code).to.equal(0)
    expect(stdout).to.match(/torn end of 5 bytes is cut/)
    expect(stdout).to.match(/56 damaged bytes at 48 are marked as filler/)
    expect((await tracelane('verify', orders.directory)).code).to.equal(0)
    expect(orders.read()).to.deep.equal(['{"n":4}'])
    expect((await tracelane('repair', orders.directory)).stdout).to.contain('nothing to repair')
  })

  it('repair writes a cursor where both are broken', async () => {
    for (const slot of [0, 1])
      if (existsSync(join(orders.directory, `cursor.${slot}`))) writeFileSync(join(orders.directory, `cursor.${slot}`), 'x')
    expect((await tracelane('verify', orders.directory)).stdout).to.contain('no usable cursor')
    expect((await tracelane('repair', orders.directory)).stdout).to.contain('begins at 0 of segment 1')
    expect((await tracelane('ls', orders.directory)).stdout).to.contain('3 records')
  })

  it('drain writes the lines to stdout, and takes them out', async () => {
    const { code, stdout, stderr } = await tracelane('drain', base)
    expect(code).to.equal(0)
    expect(stdout).to.equal('{"audit":1}\n{"n":2}\n{"n":3}\n{"n":4}\n')
    expect(stderr).to.equal(`${audit.directory}: 1 records, 1 events\n${orders.directory}: 2 records, 3 events\n`)
    expect(readdirSync(base)).to.deep.equal(['something-else'])
  })

  it('drain goes past damage, and counts it', async () => {
    damage(orders, 70, 5)
    const { stdout, stderr } = await tracelane('drain', orders.directory)
    expect(stdout).to.equal('{"n":4}\n')
    expect(stderr).to.contain('1 records, 1 events; 2 damaged places skipped')
  })

  it('drain keeps what its reader did not take', async () => {
    const writer = orders.writer()
    for (let i = 0; i < 300; i++) writer.append(Buffer.from(`${`{"more":${i}`.padEnd(998, ' ')}}\n`))
    writer.close()
    const { stdout } = await run('sh', ['-c', `"${process.execPath}" "${binary}" spool drain "${orders.directory}" | head -c 60`])
    expect(stdout).to.contain('{"n":2}\n{"n":3}\n{"n":4}\n{"more":0')
    const left = orders.read()
    expect(left.length).to.be.within(1, 300)
    expect(left.at(-1)).to.contain('{"more":299')
  })

  it('repair and drain refuse a spool that is in use; ls and verify do not', async () => {
    const claim = claimSpoolDirectory(orders.directory)
    const before = fingerprint(orders.directory)
    for (const action of ['repair', 'drain']) {
      const { code, stdout, stderr } = await tracelane(action, orders.directory)
      expect([code, stdout]).to.deep.equal([1, ''])
      expect(stderr).to.contain('ERR_TRACELANE_SPOOL_BUSY')
    }
    expect((await tracelane('ls', orders.directory)).stdout).to.contain(`used by process ${process.pid}`)
    expect((await tracelane('verify', orders.directory)).code).to.equal(0)
    expect(fingerprint(orders.directory)).to.equal(before)
    if (claim.claimed) claim.release()
  })

  const failures: readonly (readonly [what: string, args: () => string[], code: number, message: RegExp])[] = [
    ['no action', () => [], 2, /say spool ls, verify, repair or drain/],
    ['an action that is none', () => ['constructor', base], 2, /say spool ls/],
    ['no directory', () => ['ls'], 2, /spool ls takes one directory/],
    ['two directories', () => ['ls', base, base], 2, /spool ls takes one directory/],
    ['a directory without a spool', () => ['drain', join(base, 'something-else')], 1, /there is no spool in/],
    ['a directory that is not there', () => ['ls', join(base, 'none')], 1, /ENOENT/],
  ]
  for (const [what, args, code, message] of failures) {
    it(`says what is wrong with ${what}`, async () => {
      const outcome = await tracelane(...args())
      expect([outcome.code, outcome.stdout]).to.deep.equal([code, ''])
      expect(outcome.stderr).to.match(message)
    })
  }
})
