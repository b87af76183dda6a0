import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from './processes'
import { projectFile, projectRoot } from './project'
import { sharedFolder } from './temp-folder'

/** The package as npm would publish it, and as npm installs it. */
export interface Packed {
  /** The tarball. */
  readonly tarball: string
  /** The paths in the tarball. */
  readonly files: readonly string[]
  /** A folder into which npm has installed the tarball and nothing else. */
  readonly installed: string
}

let packed: Promise<Packed> | undefined

/** Packs the built package and installs the tarball without network, once per process; again if that failed, as when its test took too long. */
export function packedPackage(): Promise<Packed> {
  packed ??= pack().catch((error: unknown) => {
    packed = undefined
    throw error
  })
  return packed
}

async function pack(): Promise<Packed> {
  const folder = sharedFolder()
  // The files are built; prepack would build them again, under the feet of the tests
  const stdout = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], projectRoot)
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  const tarball = join(folder, filename)
  const installed = join(folder, 'installed')
  mkdirSync(installed)
  writeFileSync(join(installed, 'package.json'), '{ "name": "app", "private": true }\n')
  await npm(['install', '--offline', '--no-audit', '--no-fund', tarball], installed)
  return { tarball, files: files.map(({ path }) => path), installed }
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run('npm', args, { cwd, deadlineMs: 120_000 })
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

/**
 * Makes `folder` an application that has installed the packed tarball: a copy of what npm installed, and links to the
 * other packages, which are the repository's own.
 */
export async function installPacked(folder: string, packages: readonly string[] = []): Promise<void> {
  const { installed } = await packedPackage()
  const modules = join(folder, 'node_modules')
  mkdirSync(modules, { recursive: true })
  cpSync(join(installed, 'node_modules/tracelane'), join(modules, 'tracelane'), { recursive: true })
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(projectFile(`node_modules/${name}`), join(modules, name))
  }
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "name": "app", "private": true }\n')
}
