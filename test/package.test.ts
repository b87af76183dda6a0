import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { installPacked, type Packed, packedPackage, projectFile, runNode, tempFolder } from './support'

interface Manifest {
  readonly main: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies?: unknown
  readonly scripts: Readonly<Record<string, string>>
}

const SHIPPED = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/[a-z0-9-]+\.js$/,
  /^dist\/(lib|middleware|interceptors)\/([a-z0-9-]+\/)*[a-z0-9-]+\.d\.ts$/,
]

describe('the tarball', function () {
  this.timeout(60_000)
  let packed: Packed
  let manifest: Manifest
  before(async () => {
    packed = await packedPackage()
    manifest = JSON.parse(readFileSync(join(packed.installed, 'node_modules/tracelane/package.json'), 'utf8')) as Manifest
  })

  it('has the built files, their declarations and the root papers, and nothing else', () => {
    expect(packed.files.filter((file) => !SHIPPED.some((pattern) => pattern.test(file)))).to.deep.equal([])
  })

  it('has every file that the exports map, main and bin name', () => {
    const targets = Object.values(manifest.exports).flatMap((door) =>
      typeof door === 'string' ? door : [door.types, door.default],
    )
    const named = [...targets, manifest.main, ...Object.values(manifest.bin)].map((path) => path.replace(/^\.\//, ''))
    expect(named.filter((path) => !packed.files.includes(path))).to.deep.equal([])
  })

  it('brings no other package', () => {
    expect(manifest.dependencies).to.equal(undefined)
    const modules = readdirSync(join(packed.installed, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(modules).to.deep.equal(['tracelane'])
  })

  it('runs nothing when it is installed', () => {
    expect(Object.keys(manifest.scripts)).to.not.include.members(['install'])
    for (const script of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts[script]).to.equal(undefined)
  })

  it('loads each door whose peer is installed, by require() and by import', async () => {
    const folder = tempFolder()
    await installPacked(folder, ['@grpc/grpc-js'])
    const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json')
    const names = JSON.stringify(doors.map((door) => door.replace(/^\./, 'tracelane')))
    writeFileSync(
      join(folder, 'doors.cjs'),
      `const all = async () => { for (const name of ${names}) {
        const required = require(name), { default: _, 'module.exports': __, __esModule, ...imported } = await import(name)
        if (Object.keys(imported).sort().join() !== Object.keys(required).sort().join()) throw new Error(name)
        if (Object.keys(required).length === 0) throw new Error('empty: ' + name)
      } }
      all().then(() => console.log('all'))`,
    )
    const { stdout, stderr } = await runNode(['doors.cjs'], { cwd: folder })
    expect(stdout, stderr).to.equal('all\n')
  })

  for (const extension of ['mts', 'cts']) {
    it(`has declarations that a strict .${extension} program compiles against`, async () => {
      const folder = tempFolder()
      const packages = [
        '@grpc/grpc-js',
        '@opentelemetry/api',
        '@types/node',
        'undici-types',
        'pino',
        'winston',
        'axios',
        '@types/express',
      ]
      await installPacked(folder, packages)
      const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json')
      const lines = doors.map((door, i) => `import * as door${i} from '${door.replace(/^\./, 'tracelane')}'`)
      lines.push(`export const all: object[] = [${doors.map((_, i) => `door${i}`).join(', ')}]`)
      lines.push("export const id: string | undefined = door0.currentTraceId()\ndoor0.getLogger('a').info('b')\n")
      writeFileSync(join(folder, `app.${extension}`), lines.join('\n'))
      const tsc = projectFile('node_modules/typescript/bin/tsc')
      const flags = '--strict --noEmit --module nodenext --target es2022 --types node --exactOptionalPropertyTypes'.split(' ')
      const { code, stdout } = await runNode([tsc, ...flags, `app.${extension}`], { cwd: folder })
      expect(stdout).to.equal('')
      expect(code).to.equal(0)
    })
  }

  it('is what this working copy has built', () => {
    for (const file of packed.files) expect(existsSync(projectFile(file)), file).to.equal(true)
  })
})
