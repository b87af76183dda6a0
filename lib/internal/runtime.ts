import { channel } from 'node:diagnostics_channel'

/**
 * The one object that holds all process-wide state.
 *
 * A process can load tracelane more than once: by `import` and by `require()`, as two copies in node_modules, inside a
 * bundle and beside it. Each copy finds the same object under a registered symbol on `globalThis`, so there is one
 * `AsyncLocalStorage`, one sequence and one exit guard, whoever loaded them. In Jest and vitest every test file has a
 * `globalThis` of its own, and so a runtime of its own, as the test isolation of these tools wants it.
 *
 * The symbol carries the major version of this shape. A slot's name carries the version of the value in it: a copy that
 * needs another shape for a slot takes another name and does not disturb the older copy.
 */
const RUNTIME_KEY = Symbol.for('tracelane.runtime.v1')

interface Runtime {
  readonly slots: Map<string, unknown>
}

const realm = globalThis as { [RUNTIME_KEY]?: Runtime }

/* What somebody else has put there is left alone: this copy then has a runtime of its own, and the doctor says so. */
let own: Runtime | undefined

function runtime(): Runtime {
  const existing = own ?? realm[RUNTIME_KEY]
  if (typeof existing?.slots?.get === 'function') return existing
  const created: Runtime = { slots: new Map() }
  if (existing === undefined) Object.defineProperty(realm, RUNTIME_KEY, { value: created })
  else own = created
  return created
}

/**
 * The process-wide value called `name`, made by `create` if no copy of tracelane has made it yet.
 *
 * Call it once while a module loads and keep the result in a constant: reading it again costs a map look-up.
 */
export function processWide<T>(name: string, create: () => T): T {
  const { slots } = runtime()
  if (!slots.has(name)) slots.set(name, create())
  return slots.get(name) as T
}

/** Who has loaded a copy of the kit: its file, and the `globalThis` that it found. */
export interface LoadedCopy {
  readonly file: string
  readonly realm: object
}

/** Each copy of the kit tells of itself here while it loads, also to other realms of the process. */
export const copyLoaded = channel('tracelane.loaded')

/** The file of each copy of the kit in this realm, with how often it was loaded. */
export const copies: Map<string, number> = processWide('copies.1', () => new Map<string, number>())

/** The file of this copy; in a bundle of ES modules nobody can tell. */
export const thisFile: string = typeof __filename === 'string' ? __filename : 'a bundle'

copies.set(thisFile, (copies.get(thisFile) ?? 0) + 1)
copyLoaded.publish({ file: thisFile, realm: globalThis } satisfies LoadedCopy)
