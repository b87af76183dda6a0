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

/* A program logs on few paths, so a stack has mostly been read before. When it is full it begins anew. */
const read = new Map<string, CallStack>()
const MAX_READ = 200

/** The stack of the caller. Taking it costs microseconds, so only who is told to watch asks for it. */
export function callStack(): CallStack {
  const text = capture()
  let stack = read.get(text)
  if (stack === undefined) {
    stack = readStack(text)
    if (read.size >= MAX_READ) read.clear()
    read.set(text, stack)
  }
  return stack
}

function readStack(text: string): CallStack {
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

/* A stack is text, unless the application formats stacks itself; then it is taken once more without that. */
function capture(): string {
  const { stackTraceLimit, prepareStackTrace } = Error
  try {
    set('stackTraceLimit', FRAMES)
    const text = stackText()
    if (typeof text === 'string') return text
    set('prepareStackTrace', undefined)
    return String(stackText())
  } finally {
    set('stackTraceLimit', stackTraceLimit)
    if (Error.prepareStackTrace !== prepareStackTrace) set('prepareStackTrace', prepareStackTrace)
  }
}

function stackText(): unknown {
  try {
    return new Error('call site').stack
  } catch {
    return undefined // a prepareStackTrace that throws
  }
}

/* False, and no error, if intrinsics are frozen. */
function set(name: 'stackTraceLimit' | 'prepareStackTrace', value: unknown): boolean {
  return Reflect.set(Error, name, value)
}
