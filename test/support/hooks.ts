import type { Context, Suite } from 'mocha'
import { leaksSince, type Snapshot, snapshot, takeRejections, watchProcess } from './leaks'
import { killLeftChildren } from './processes'
import { saySkipsAtEnd } from './requires'
import { openRunFolder, removeTempFolders, setTestIsRunning } from './temp-folder'

/*
 * Root hooks that fail a test that leaks.
 *
 *   top-level suite begins      note what is open
 *     before, test, after each    a test may leave nothing open, but for connections to a server that its suite runs
 *   top-level suite ends        nothing at all may be open that was not when it began
 *
 * The process of a pool runs file after file: beforeAll runs for each, and what lives as long as the process ends with it.
 *
 * A leak of a test is an error of the test, not of the hook: mocha gives up the whole run when a root hook fails.
 */
const SERVERS = ['TCPServerWrap', 'PipeServerWrap', 'ProcessWrap', 'Worker', 'MessagePort']
const CONNECTIONS = new Set(['TCPSocketWrap', 'PipeWrap', 'TLSWrap', 'HTTPINCOMINGMESSAGE', 'Timeout'])
const NOTHING: ReadonlySet<string> = new Set()

let beforeTest: Snapshot
let beforeSuite: Snapshot

function allowedBeside(before: Snapshot): ReadonlySet<string> {
  return SERVERS.some((kind) => (before.resources.get(kind) ?? 0) > 0) ? CONNECTIONS : NOTHING
}

async function leakError(before: Snapshot, allowed: ReadonlySet<string>, who: string): Promise<Error | undefined> {
  const leaks = await leaksSince(before, allowed)
  return leaks.length === 0 ? undefined : new Error(`${who} leaks ${leaks.join(', ')}`)
}

function watchSuite(suite: Suite): void {
  suite.beforeAll('notes what is open', async () => {
    beforeSuite = await snapshot()
  })
  // Suites are read already, so this hook would come last; what is open must be noted first
  const hooks = (suite as unknown as { _beforeAll: unknown[] })._beforeAll
  hooks.unshift(hooks.pop())
  suite.afterAll('finds what the suite left open', async () => {
    killLeftChildren()
    removeTempFolders('suite')
    const error = await leakError(beforeSuite, NOTHING, `the suite '${suite.title}'`)
    if (error !== undefined) throw error
  })
}

export const mochaHooks = {
  beforeAll(this: Context): void {
    openRunFolder()
    saySkipsAtEnd()
    watchProcess()
    // Made on first use, so make them before anything is compared
    void [process.stdin, process.stdout, process.stderr]
    for (const suite of this.test?.parent?.suites ?? []) watchSuite(suite)
  },

  async beforeEach(): Promise<void> {
    takeRejections()
    setTestIsRunning(true)
    beforeTest = await snapshot()
  },

  async afterEach(this: Context): Promise<void> {
    setTestIsRunning(false)
    removeTempFolders('test')
    const error = await leakError(beforeTest, allowedBeside(beforeTest), 'the test')
    const hook = this.test as unknown as { error(error: Error): void }
    if (error !== undefined) hook.error(error)
  },
}
