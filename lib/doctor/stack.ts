import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copies } from '../internal/runtime'

/** What a stack says about who called. */
export interface CallStack {
  /** `file:line` of the nearest frame of the application, relative to the working directory; undefined if it has none. */
  readonly site: string | undefined
  /** The packages in node_modules on the stack, from the inside out, tracelane left out. */
  readonly packages: readonly string[]
  /** The frames, as text. */
  readonly text: string
}

const FRAMES = 60
const PLACE = /\(?((?:file:\/\/|node:|\/|[A-Za-z]:\\)[^()]*?):(\d+)(?::\d+)?\)?$/
const PACKAGE = /[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/](?!.*[\\/]node_modules[\\/])/

/** The stack of the caller. It takes tens of microseconds, so only who is told to watch asks for it. */
export function callStack(): CallStack {
  const text = capture()
  const packages: string[] = []
  const own = new Set([...copies.keys()].filter((file) => /[\\/]core\.js$/.test(file)).map((file) => dirname(file)))
  let site: string | undefined
  for (const line of text.split('\n').slice(1)) {
    const [, file = 'node:', row] = PLACE.exec(line.trim()) ?? []
    if (file.startsWith('node:')) continue
    const path = file.startsWith('file:') ? fileURLToPath(file) : file
    if (own.has(dirname(path))) continue
    const name = PACKAGE.exec(path)?.[1]?.replace('\\', '/')
    if (name === undefined) site ??= `${shortOf(path)}:${row}`
    else if (!packages.includes(name)) packages.push(name)
  }
  return { site, packages, text }
}

function shortOf(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}

function capture(): string {
  const before = Error.stackTraceLimit
  try {
    Error.stackTraceLimit = FRAMES
    return String(new Error('call site').stack)
  } catch {
    return '' // intrinsics are frozen, or somebody's prepareStackTrace threw
  } finally {
    try {
      Error.stackTraceLimit = before
    } catch {
      // frozen: it has not changed
    }
  }
}
