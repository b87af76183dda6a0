import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect } from 'chai'
import {
  claimAbandonedSpool,
  claimSpool,
  claimSpoolDirectory,
  nodeFiles,
  type Owner,
  type Owners,
  openSpoolWriter,
  type SpoolClaim,
  type SpoolClaimOptions,
  type SpoolFiles,
  systemOwners,
} from '../../lib/spool'
import { projectFile, startNode, tempFolder, until } from '../support'
import { FAULTS, SimulatedDisk } from './simulated-disk'
import { TestSpool, textsOf } from './spools'

type Claimed = Extract<SpoolClaim, { claimed: true }>

function mine(claim: SpoolClaim): Claimed {
  if (!claim.claimed) throw new Error(claim.message)
  return claim
}

/* Processes in one place, of which the test says who lives. */
class FakeOwners implements Owners {
  readonly dead = new Set<number>()
  owner: Owner

  constructor(pid: number, place = 'here') {
    this.owner = { pid, started: String(pid), place }
  }

  self(): Owner {
    return this.owner
  }

  lives({ pid }: Owner): boolean {
    return !this.dead.has(pid)
  }
}

function spool(directory: string, ...texts: string[]): void {
  const writer = new TestSpool(directory).writer()
  for (const text of texts) writer.append(Buffer.from(text))
  writer.close()
}

describe('claimSpool()', () => {
  let base: string
  let options: SpoolClaimOptions
  beforeEach(() => {
    base = join(tempFolder(), 'spools')
    options = { base, name: 'orders' }
  })

  it('gives each claimant a directory of its own, in one process as well', () => {
    const claims = [1, 2, 3].map(() => mine(claimSpool(options)))
    expect(new Set(claims.map(({ directory }) => directory)).size).to.equal(3)
    for (const claim of claims) expect(basename(claim.directory)).to.match(/^orders\.[0-9a-f]{20}$/)
    for (const claim of claims) claim.release()
  })

  it('leaves nothing behind when nothing is spooled', () => {
    const claim = mine(claimSpool(options))
    claim.release()
    claim.release()
    expect(readdirSync(base)).to.deep.equal([])
  })

  it('gives a released spool to the next one, and each name its own', () => {
    const first = mine(claimSpool(options))
    spool(first.directory, 'kept')
    first.release()
    const other = mine(claimSpool({ ...options, name: 'orders.audit' }))
    const second = mine(claimSpool(options))
    expect(second.directory).to.equal(first.directory)
    expect(other.directory).to.not.equal(first.directory)
    expect(new TestSpool(second.directory).read()).to.deep.equal(['kept'])
  })

  it('takes over what a dead process left, and not what a living one has', () => {
    const owners = new FakeOwners(10)
    const first = mine(claimSpool({ ...options, owners }))
    owners.owner = { ...owners.owner, pid: 11 }
    const second = mine(claimSpool({ ...options, owners }))
    owners.dead.add(10)
    owners.owner = { ...owners.owner, pid: 12 }
    const third = mine(claimSpool({ ...options, owners }))
    expect([second.directory === first.directory, third.directory === first.directory]).to.deep.equal([false, true])
    expect(first.renew()).to.equal(false)
    expect([second.renew(), third.renew()]).to.deep.equal([true, true])
  })

  it('takes over from another place only after leaseMs without renewal', () => {
    let now = 1_000_000
    const there = mine(claimSpool({ ...options, now: () => now, owners: new FakeOwners(1, 'container a') }))
    spool(there.directory, 'theirs')
    there.renew()
    const here = { ...options, now: () => now, owners: new FakeOwners(1, 'container b'), leaseMs: 60_000 }
    now += 50_000
    expect(claimAbandonedSpool(here)).to.include({ claimed: false, reason: 'none' })
    there.renew()
    now += 50_000
    expect(claimAbandonedSpool(here)).to.include({ claimed: false, reason: 'none' })
    now += 10_001
    expect(mine(claimAbandonedSpool(here)).directory).to.equal(there.directory)
    expect(there.renew()).to.equal(false)
  })

  it('takes a lock that is not readable for that of another place', () => {
    const directory = join(base, 'orders.00000000000000000001')
    mkdirSync(directory, { recursive: true })
    const lock = join(directory, 'lock-00000000000000ff')
    writeFileSync(lock, '{"v":1,"pi')
    spool(directory, 'a')
    utimesSync(lock, 1000, 1000)
    expect(claimAbandonedSpool({ ...options, now: () => 1_030_000 })).to.include({ claimed: false })
    expect(mine(claimAbandonedSpool({ ...options, now: () => 1_061_000 })).directory).to.equal(directory)
  })

  it('never gives one directory to two, whenever the second one comes', () => {
    const directory = join(base, 'orders.00000000000000000001')
    mkdirSync(directory, { recursive: true })
    let calls = 0
    let at = 0
    let second = undefined as SpoolClaim | undefined
    const intruding = new Proxy(
      { ...nodeFiles },
      {
        get(files, name: keyof SpoolFiles) {
          return (...args: never[]) => {
            if (++calls === at) second = claimSpoolDirectory(directory)
            return (files[name] as (...args: never[]) => unknown)(...args)
          }
        },
      },
    )
    const outcomes = new Set<string>()
    for (at = 1; ; at++) {
      calls = 0
      second = undefined as SpoolClaim | undefined
      // A dead owner's lock is there as well.
      writeFileSync(join(directory, 'lock-00000000000000aa'), JSON.stringify({ ...systemOwners.self(), pid: 2 ** 22 + 1 }))
      spool(directory, 'a')
      const first = claimAbandonedSpool({ ...options, files: intruding })
      if (second === undefined) break
      expect(first.claimed && second.claimed, `at call ${at}`).to.equal(false)
      outcomes.add(`${first.claimed} ${second.claimed}`)
      for (const claim of [first, second]) if (claim.claimed) claim.release()
    }
    expect([...outcomes]).to.include.members(['true false', 'false true'])
  })

  for (const fault of FAULTS) {
    it(`leaves the spool to the next one, with '${fault}' at any one system call`, () => {
      const disk = new SimulatedDisk()
      const owners = new FakeOwners(1)
      const claimed = { base: '/spools', name: 'orders', files: disk, owners, now: () => 0 }
      const life = (): SpoolClaim => {
        owners.owner = { ...owners.owner, pid: owners.owner.pid + 1 }
        const claim = claimSpool(claimed)
        if (!claim.claimed) return claim
        const writer = openSpoolWriter({ directory: claim.directory, files: disk })
        const result = writer.append(Buffer.from('a'))
        writer.close()
        claim.renew()
        claim.release()
        return result.outcome === 'spooled' ? claim : { claimed: false, reason: 'none', message: 'nothing is spooled' }
      }
      const first = life()
      owners.dead.add(owners.owner.pid)
      const calls = disk.calls
      for (let ahead = 1; ahead <= calls; ahead++) {
        disk.arm(ahead, fault)
        life()
        owners.dead.add(owners.owner.pid)
        if (disk.crashed) disk.restart(ahead % 2 === 0 ? Math.random : undefined)
        disk.disarm()
        expect(mine(life()).directory, `after call ${ahead}`).to.be.a('string')
        // After a power failure its lock may be there again.
        owners.dead.add(owners.owner.pid)
      }
      expect(disk.met.length).to.be.above(calls / 2)
      owners.owner = { ...owners.owner, pid: owners.owner.pid + 1 }
      const found: string[] = []
      for (let next = claimAbandonedSpool(claimed); next.claimed; next = claimAbandonedSpool(claimed)) found.push(next.directory)
      const withRecords = new Set(disk.paths.filter((path) => path.endsWith('.seg')).map((path) => dirname(path)))
      expect(found.sort()).to.deep.equal([...withRecords].sort())
      expect(first.claimed).to.equal(true)
    })
  }

  it('says why there is none where it cannot write', () => {
    writeFileSync(join(tempFolder(), 'file'), '')
    expect(claimSpool({ base: '/proc/spools', name: 'a' })).to.include({ claimed: false, reason: 'disk' })
    expect(claimSpoolDirectory(join(base, 'none'))).to.include({ claimed: false })
  })

  it('refuses wrong options', () => {
    expect(() => claimSpool({ base, name: '../x' })).to.throw(/'name' must be a name of at most 64/)
    expect(() => claimSpool({ base, name: 'a', leaseMs: 5 })).to.throw(/'leaseMs' must be an integer from 1000/)
  })

  it('knows a living process from a dead one and from a later one of its number', () => {
    const self = systemOwners.self()
    expect(systemOwners.lives(self)).to.equal(true)
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    expect(systemOwners.lives({ ...self, pid })).to.equal(false)
    if (self.started !== undefined) expect(systemOwners.lives({ ...self, started: '1' })).to.equal(false)
    expect(self.place).to.not.equal('')
  })

  it('has processes that start at once, and are killed, find all that was left', async () => {
    const acks = [1, 2, 3, 4].map((i) => join(base, `../acks-${i}`))
    const programs = acks.map((file) =>
      startNode([projectFile('test/fixtures/spool/writer.cjs'), base, file, '1'], {
        env: { SPOOL_ROOM: projectFile('dist/lib/spool') },
      }),
    )
    const directories = await Promise.all(
      programs.map(async (program) => JSON.parse((await program.waitForOutput(/\{"directory.*\n/))[0]) as { directory: string }),
    )
    for (const file of acks)
      await until(`a record of ${file}`, () => existsSync(file) && readFileSync(file, 'utf8').includes('\n'))
    expect(new Set(directories.map(({ directory }) => directory)).size).to.equal(4)
    expect(claimAbandonedSpool(options)).to.include({ claimed: false, reason: 'none' })
    await Promise.all(programs.map((program) => program.stop('SIGKILL')))
    const found = mine(claimSpool(options))
    const others: Claimed[] = []
    for (let next = claimAbandonedSpool(options); next.claimed; next = claimAbandonedSpool(options)) others.push(next)
    const all = [found, ...others].filter(({ directory }) => readdirSync(directory).some((name) => name.endsWith('.seg')))
    expect(new Set(all.map(({ directory }) => directory)).size).to.equal(4)
    for (const { directory } of all) {
      const reader = new TestSpool(directory).reader()
      expect(textsOf(reader)[0]).to.match(/^1:/)
      reader.close()
    }
    expect(
      readFileSync(
        join(found.directory, readdirSync(found.directory).find((name) => name.startsWith('lock-')) as string),
        'utf8',
      ),
    ).to.contain(`"pid":${process.pid}`)
  })
})
