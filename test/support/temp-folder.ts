import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/*
 *   <system's temp>/tracelane-test-XXXX/      of one process that runs tests; removed when it ends
 *     shared/   what its test files make once (the packed tarball)
 *     owned/    what tempFolder() gave: removed after the test, or after the suite if a `before` hook asked for it
 *     tmp/      TMPDIR of the process and of its children: whatever is left in it after a test was leaked
 */
let run: string | undefined
let ownedByTest: string[] = []
let ownedBySuite: string[] = []
let testIsRunning = false

/* Written by tools that tests start, for their own next run. */
const CACHES = new Set(['node-compile-cache', 'node-jiti', 'v8-compile-cache-0'])

const FORCE = { recursive: true, force: true, maxRetries: 5, retryDelay: 20 } as const

function runFolder(kind: 'shared' | 'owned'): string {
  if (run === undefined) throw new Error('tempFolder() needs the root hooks of test/support/hooks.ts')
  return join(run, kind)
}

/** Gives the process and its children a temp folder of their own, until the process ends. */
export function openRunFolder(): void {
  if (run !== undefined) return
  run = realpathSync(mkdtempSync(join(tmpdir(), 'tracelane-test-')))
  for (const kind of ['shared', 'owned', 'tmp']) mkdirSync(join(run, kind))
  process.env['TMPDIR'] = join(run, 'tmp')
  const folder = run
  process.once('exit', () => rmSync(folder, FORCE))
}

/** An empty folder of its own, removed after the test; after the top-level suite when called in a `before` hook. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(runFolder('owned'), 'folder-'))
  if (testIsRunning) ownedByTest.push(folder)
  else ownedBySuite.push(folder)
  return folder
}

/** An empty folder that lives until the process ends, for what several test files share. */
export function sharedFolder(): string {
  return mkdtempSync(join(runFolder('shared'), 'folder-'))
}

/** Tells whether a test, or only a suite, owns the folders made from now on. */
export function setTestIsRunning(running: boolean): void {
  testIsRunning = running
}

/** Removes the folders of the test that ended, or of the suite. */
export function removeTempFolders(owner: 'test' | 'suite'): void {
  const folders = owner === 'test' ? ownedByTest : [...ownedByTest, ...ownedBySuite]
  ownedByTest = []
  if (owner === 'suite') ownedBySuite = []
  for (const folder of folders) rmSync(folder, FORCE)
}

/** What is in the run's TMPDIR, caches of tools left out. */
export function strayTempFiles(): readonly string[] {
  return run === undefined ? [] : readdirSync(join(run, 'tmp')).filter((name) => !CACHES.has(name))
}
