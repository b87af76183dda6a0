import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { installPacked, projectFile, runNode } from '../support'
import { appWith, codesOf, DOCTOR, diagnosisOf, examine, findingOf, reportOf, reportsIn } from './support'

const MAJOR = Number(process.versions.node.split('.')[0])
const HERE = "require('tracelane').getLogger('here').info('here')\n"

/* Does something to the process before the program, and before the doctor. */
function preload(folder: string, code: string): string[] {
  writeFileSync(join(folder, 'before.cjs'), code)
  writeFileSync(join(folder, 'here.cjs'), HERE)
  return ['here.cjs']
}

async function withBefore(folder: string, code: string): Promise<ReturnType<typeof reportsIn>> {
  const args = preload(folder, code)
  const env = { TRACELANE_DOCTOR_FILE: reportOf(folder) }
  const { code: exitCode, stderr } = await runNode(['--require', './before.cjs', ...DOCTOR, ...args], { cwd: folder, env })
  expect(exitCode, stderr).to.equal(0)
  return reportsIn(folder)
}

/* A library with a copy of tracelane of its own. */
async function secondCopy(folder: string, version?: string): Promise<void> {
  const library = join(folder, 'library')
  mkdirSync(library)
  await installPacked(library)
  writeFileSync(join(library, 'index.cjs'), HERE)
  writeFileSync(join(folder, 'both.cjs'), `${HERE}require('./library/index.cjs')\n`)
  if (version === undefined) return
  const manifest = join(library, 'node_modules/tracelane/package.json')
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), version }))
}

describe('the doctor, of copies of tracelane', function () {
  this.timeout(60_000)

  it('names two copies of one version, which lose nothing', async () => {
    const folder = await appWith()
    await secondCopy(folder)
    const diagnosis = await diagnosisOf(folder, ['both.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['COPIES'])
    const { message, count, severity } = findingOf(diagnosis, 'COPIES')
    expect({ count, severity }).to.deep.equal({ count: 2, severity: 'info' })
    expect(message).to.contain(join(folder, 'library/node_modules/tracelane/dist'))
    expect(diagnosis.logCalls?.total, 'log calls of both').to.equal(2)
  })

  it('warns of two copies of different versions', async () => {
    const folder = await appWith()
    await secondCopy(folder, '0.0.9')
    const diagnosis = await diagnosisOf(folder, ['both.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['COPIES_DIFFER'])
    expect(findingOf(diagnosis, 'COPIES_DIFFER').message).to.contain(`0.0.9 in ${join(folder, 'library')}`)
  })

  it('tells modules that were reset', async () => {
    const folder = await appWith()
    const reset = 'for (const file of Object.keys(require.cache)) delete require.cache[file]\n'
    writeFileSync(join(folder, 'reset.cjs'), HERE + reset + HERE)
    const diagnosis = await diagnosisOf(folder, ['reset.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['COPY_RELOADED'])
    expect(findingOf(diagnosis, 'COPY_RELOADED').count).to.equal(2)
    expect(diagnosis.logCalls?.total).to.equal(2)
  })

  it("tells the realms of Jest's test files, and does not disturb them", async () => {
    const folder = await appWith()
    writeFileSync(join(folder, 'jest.config.json'), '{ "testMatch": ["**/reset.test.cjs"] }')
    const test = `test('resets', () => { ${HERE}; jest.resetModules(); ${HERE} })\n`
    writeFileSync(join(folder, 'reset.test.cjs'), test)
    const jest = [projectFile('node_modules/jest/bin/jest.js'), '--config', 'jest.config.json', '--no-cache', '--ci']
    const diagnosis = await diagnosisOf(folder, [...jest, '--watchman=false', '--runInBand'], { TMPDIR: folder })
    expect(codesOf(diagnosis)).to.include('REALMS')
    expect(findingOf(diagnosis, 'REALMS').count).to.equal(1)
  })

  it('tells something foreign in the place of the runtime, with which tracelane goes on', async () => {
    const [diagnosis] = await withBefore(await appWith(), "globalThis[Symbol.for('tracelane.runtime.v1')] = { slots: [] }\n")
    expect(diagnosis && codesOf(diagnosis)).to.deep.equal(['RUNTIME_FOREIGN'])
    expect(diagnosis?.logCalls?.total).to.equal(1)
  })

  it('tells another major version of the runtime, and another version of the storage', async () => {
    const folder = await appWith()
    const [other] = await withBefore(folder, "globalThis[Symbol.for('tracelane.runtime.v2')] = { slots: new Map() }\n")
    expect(other && codesOf(other)).to.deep.equal(['RUNTIME_MIXED'])
    const slots = "new Map([['storage.2', {}]])"
    const [, storage] = await withBefore(folder, `globalThis[Symbol.for('tracelane.runtime.v1')] = { slots: ${slots} }\n`)
    expect(storage && codesOf(storage)).to.deep.equal(['RUNTIME_MIXED'])
    expect(storage && findingOf(storage, 'RUNTIME_MIXED').message).to.contain('storages of the versions 1 and 2')
  })
})

describe('the doctor, of Node.js', function () {
  this.timeout(60_000)

  const flagged = async (...flags: string[]): Promise<readonly string[]> =>
    codesOf(await diagnosisOf(await appWith(), [...flags, 'many-places.cjs']))

  it('has nothing against Node.js without flags', async () => {
    expect(await flagged()).to.deep.equal([])
  })

  if (MAJOR >= 24) {
    it('warns of --no-async-context-frame, on the command line and in NODE_OPTIONS', async () => {
      expect(await flagged('--no-async-context-frame')).to.deep.equal(['CONTEXT_FRAME_OFF'])
      const env = { NODE_OPTIONS: '--no-async-context-frame' }
      const diagnosis = await diagnosisOf(await appWith(), ['many-places.cjs'], env)
      expect(findingOf(diagnosis, 'CONTEXT_FRAME_OFF').message).to.contain('--no-async-context-frame (from NODE_OPTIONS)')
    })

    it('has nothing against --async-context-frame, which is the default', async () => {
      expect(await flagged('--async-context-frame')).to.deep.equal([])
    })

    it('warns of hooks on promises', async () => {
      const folder = await appWith()
      const [diagnosis] = await withBefore(folder, "require('node:async_hooks').createHook({ init() {} }).enable()\n")
      expect(diagnosis && codesOf(diagnosis)).to.deep.equal(['PROMISE_HOOKS'])
    })
  } else {
    it('cannot tell hooks on promises from those of AsyncLocalStorage, and is silent', async () => {
      const folder = await appWith()
      const [diagnosis] = await withBefore(folder, "require('node:async_hooks').createHook({ init() {} }).enable()\n")
      expect(diagnosis && codesOf(diagnosis)).to.deep.equal([])
    })
  }

  if (MAJOR === 22) {
    it('remarks on --experimental-async-context-frame', async () => {
      expect(await flagged('--experimental-async-context-frame')).to.deep.equal(['CONTEXT_FRAME_EXPERIMENTAL'])
    })
  }

  it('warns of --frozen-intrinsics, under which traceConsole() throws', async () => {
    const folder = await appWith()
    writeFileSync(
      join(folder, 'frozen.cjs'),
      "try { require('tracelane/adapters/console').traceConsole() } catch (error) { console.log(error.name) }\n",
    )
    const { outcome, diagnoses } = await examine(folder, ['--frozen-intrinsics', 'frozen.cjs'])
    expect(outcome.stdout).to.equal('TypeError\n')
    expect(diagnoses.map(codesOf)).to.deep.equal([['FROZEN_INTRINSICS']])
  })

  it('knows the place that logs, however stacks are formatted and though intrinsics are frozen', async () => {
    const prepared = [
      '',
      'Error.prepareStackTrace = (error, frames) => frames\n',
      'Error.prepareStackTrace = () => { throw new Error() }\n',
    ]
    const folder = await appWith()
    for (const line of prepared) {
      writeFileSync(join(folder, 'place.cjs'), line + HERE)
      await examine(folder, [...(line === '' ? ['--frozen-intrinsics'] : []), 'place.cjs'])
    }
    const places = reportsIn(folder).map(({ logCalls }) => logCalls?.sites.map(({ where }) => where))
    expect(places).to.deep.equal([['place.cjs:1'], ['place.cjs:2'], ['place.cjs:2']])
  })

  it('names a version that is too old, and the cure', async () => {
    const [diagnosis] = await withBefore(await appWith(), "Object.defineProperty(process, 'version', { value: 'v20.18.3' })\n")
    const { message, cure, severity } = findingOf(diagnosis as NonNullable<typeof diagnosis>, 'NODE_TOO_OLD')
    expect(message).to.equal('This is Node.js v20.18.3; tracelane needs 20.19 or later.')
    expect([severity, cure]).to.deep.equal(['error', 'Install a supported line of Node.js.'])
  })

  it('remarks on node:domain', async () => {
    const [diagnosis] = await withBefore(await appWith(), "require('node:domain')\n")
    expect(diagnosis && codesOf(diagnosis)).to.deep.equal(['DOMAIN_LOADED'])
  })
})

describe('the doctor, of other packages', function () {
  this.timeout(60_000)
  const GRPC = "require('tracelane/interceptors/grpc')\n"

  function fakePeer(folder: string, version: string): void {
    const peer = join(folder, 'node_modules/@grpc/grpc-js')
    mkdirSync(peer, { recursive: true })
    writeFileSync(join(peer, 'package.json'), JSON.stringify({ name: '@grpc/grpc-js', version }))
    writeFileSync(join(folder, 'grpc.cjs'), GRPC)
  }

  it('names a peer that is missing', async () => {
    const folder = await appWith()
    writeFileSync(join(folder, 'grpc.cjs'), GRPC)
    const diagnosis = await diagnosisOf(folder, ['grpc.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['PEER_MISSING'])
    expect(findingOf(diagnosis, 'PEER_MISSING').cure).to.equal('npm install @grpc/grpc-js')
  })

  it('names a peer that is too old, and not one that is just right', async () => {
    const folder = await appWith()
    fakePeer(folder, '1.9.15')
    const diagnosis = await diagnosisOf(folder, ['grpc.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['PEER_TOO_OLD'])
    expect(findingOf(diagnosis, 'PEER_TOO_OLD').message).to.equal('@grpc/grpc-js is 1.9.15; tracelane needs >=1.10.0.')
    const right = await appWith()
    fakePeer(right, '1.10.0')
    expect(codesOf(await diagnosisOf(right, ['grpc.cjs']))).to.deep.equal([])
  })

  it('names loggers and gRPC that nobody has given a trace', async () => {
    const folder = await appWith(['pino', '@grpc/grpc-js'])
    writeFileSync(join(folder, 'unused.cjs'), `require('pino')\nrequire('@grpc/grpc-js')\n${HERE}`)
    const diagnosis = await diagnosisOf(folder, ['unused.cjs'])
    expect(codesOf(diagnosis)).to.deep.equal(['ADAPTER_UNUSED', 'INTERCEPTOR_UNUSED'])
  })

  const otel = ['@opentelemetry/api', '@opentelemetry/context-async-hooks', '@opentelemetry/sdk-trace-base']
  for (const [how, codes] of Object.entries({ beside: ['OTEL_NOT_BRIDGED'], ids: [], second: ['OTEL_SECOND_MANAGER'] })) {
    it(`says ${codes[0] ?? 'nothing'} of OpenTelemetry (${how})`, async () => {
      const diagnosis = await diagnosisOf(await appWith(otel), ['otel.cjs'], { HOW: how })
      expect(codesOf(diagnosis)).to.deep.equal(codes)
    })
  }

  it('names another keeper of contexts', async () => {
    const folder = await appWith()
    mkdirSync(join(folder, 'node_modules/cls-hooked'))
    writeFileSync(join(folder, 'node_modules/cls-hooked/index.js'), '')
    writeFileSync(join(folder, 'cls.cjs'), `require('cls-hooked')\n${HERE}`)
    expect(codesOf(await diagnosisOf(folder, ['cls.cjs']))).to.deep.equal(['OTHER_TRACER'])
  })
})
