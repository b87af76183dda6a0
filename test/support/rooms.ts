import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, posix, relative, sep } from 'node:path'
import { parse } from 'es-module-lexer/js'

/** The rooms that each room may import from, beside itself. `internal` and the one-file rooms below it are for all. */
const BASE = ['internal', 'errors', 'diagnostics']
const EDGE = ['context', 'targeted-debug', 'propagation', 'event', 'span']
const RECORDS = ['context', 'event', 'redaction']

export const LAW: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  internal: ['errors'],
  diagnostics: ['internal'],
  context: BASE,
  'targeted-debug': [...BASE, ...RECORDS],
  propagation: [...BASE, 'context', 'targeted-debug'],
  redaction: BASE,
  event: [...BASE, 'context', 'redaction'],
  span: [...BASE, 'context', 'propagation', 'event'],
  layout: [...BASE, ...RECORDS],
  filter: [...BASE, ...RECORDS],
  'flight-recorder': [...BASE, ...RECORDS],
  spool: [...BASE, ...RECORDS],
  sinks: [...BASE, ...RECORDS, 'layout', 'spool'],
  appender: [...BASE, ...RECORDS, 'layout', 'spool', 'sinks'],
  logger: [...BASE, ...RECORDS, 'layout', 'sinks', 'appender', 'filter', 'flight-recorder', 'targeted-debug'],
  otel: [...BASE, 'context'],
  adapters: [...BASE, ...RECORDS, 'appender', 'logger'],
  shipper: [...BASE, ...RECORDS, 'sinks', 'spool'],
  consume: [...BASE, ...RECORDS, 'layout', 'spool', 'sinks'],
  collector: [...BASE, ...RECORDS, 'propagation', 'layout', 'sinks', 'logger', 'consume'],
  doctor: [...BASE, ...RECORDS, 'appender'],
  testing: [...BASE, ...EDGE, 'layout', 'sinks', 'appender', 'logger'],
  'trace-tree': [...BASE, ...RECORDS],
  cli: [
    ...BASE,
    ...RECORDS,
    'targeted-debug',
    'propagation',
    'layout',
    'sinks',
    'appender',
    'logger',
    'shipper',
    'consume',
    'collector',
    'trace-tree',
    'spool',
  ],
  index: [...BASE, ...EDGE, 'redaction', 'layout', 'filter', 'flight-recorder', 'sinks', 'appender', 'logger'],
  middleware: [...BASE, ...EDGE],
  interceptors: [...BASE, ...EDGE],
}

/* Rooms whose files are doors themselves: `internal` has no door, an adapter is one file with its own exports path. */
const WITHOUT_DOOR = new Set(['internal', 'adapters'])

const THIRD_PARTY = [
  /^middleware\//,
  /^interceptors\//,
  /^lib\/adapters\//,
  /^lib\/otel\//,
  /^lib\/sinks\/[^/]+\/client\.ts$/,
  /^lib\/collector\//,
]
const MAX_LINES = 400
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.(ts|mjs)$/
const MARK = /\b(TODO|FIXME|XXX|HACK)\b/
const LITERAL_REQUIRE = /\brequire(?:\.resolve)?\s*\(\s*(['"])([^'"]+)\1/g

/** Reads the sources below `root` and returns what breaks the law, one sentence each. */
export function brokenLaws(root: string): string[] {
  const files = ['lib', 'middleware', 'interceptors'].flatMap((top) => sourcesIn(join(root, top)))
  return files.flatMap((file) => {
    const path = relative(root, file).split(sep).join('/')
    const text = readFileSync(file, 'utf8')
    return [...textLaws(path, text), ...importLaws(root, path, text)].map((broken) => `${path} ${broken}`)
  })
}

function sourcesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|js|cjs|mts|cts)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

function textLaws(path: string, text: string): string[] {
  const broken: string[] = []
  const lines = text.split('\n').length - 1
  const code = withoutTextAndComments(text)
  if (lines > MAX_LINES) broken.push(`has ${lines} lines, more than ${MAX_LINES}`)
  if (!path.split('/').every((part) => KEBAB_CASE.test(part) || /^[a-z0-9-]+$/.test(part))) broken.push('is not kebab-case')
  if (MARK.test(text)) broken.push('has a mark of unfinished work')
  if (/\bexport\s+default\b|\bas\s+default\b/.test(code)) broken.push('has a default export')
  if (/\bexport\s*\*/.test(code)) broken.push('has an `export *`')
  if (/(?<![.\w])any\b(?!\s*[(:=])/.test(code)) broken.push('has an `any`')
  return broken
}

function importLaws(root: string, path: string, text: string): string[] {
  // The build script of the flush thread's source runs before there is a package, and is not shipped
  if (path.endsWith('.mjs')) return []
  return importsOf(path, text).flatMap((specifier) => {
    const broken = isLocal(specifier) ? arrowLaw(root, path, specifier) : packageLaw(path, specifier)
    return broken === undefined ? [] : [broken]
  })
}

function importsOf(path: string, text: string): string[] {
  const [imports] = parse(text, path)
  const found = imports.flatMap((one) => ('specifier' in one && typeof one.specifier === 'string' ? [one.specifier] : []))
  const masked = withoutComments(text)
  return [...found, ...[...masked.matchAll(LITERAL_REQUIRE)].map((match) => match[2] as string)]
}

function isLocal(specifier: string): boolean {
  return specifier.startsWith('.') || specifier.startsWith('/')
}

function packageLaw(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  if (isBuiltin(specifier)) return `imports '${specifier}' without node:`
  if (specifier === 'tracelane' || specifier.startsWith('tracelane/')) return `imports '${specifier}' by its own name`
  return THIRD_PARTY.some((place) => place.test(path)) ? undefined : `imports the package '${specifier}'`
}

function arrowLaw(root: string, path: string, specifier: string): string | undefined {
  const target = posix.join(dirname(path), specifier)
  const [from, to] = [roomOf(path), roomOf(target)]
  const allowed = LAW[from]
  if (allowed === undefined) return 'is in a room that the law does not know'
  if (from === to) return from === 'middleware' || from === 'interceptors' ? siblingLaw(path, target) : undefined
  if (!allowed.includes(to)) return `may not import from ${to} ('${specifier}')`
  return throughDoor(root, target, to) ? undefined : `imports '${specifier}' past the door of ${to}`
}

/* express.ts and koa.ts, or axios.ts and grpc/, are rooms of their own. */
function siblingLaw(path: string, target: string): string | undefined {
  const own = (name: string): string => (name.split('/')[1] ?? '').replace(/\.ts$/, '')
  return own(path) === own(target) ? undefined : `may not import its neighbour ${target}`
}

function roomOf(path: string): string {
  const [top, second = ''] = path.split('/')
  return top === 'lib' ? second.replace(/\.ts$/, '') : (top ?? '')
}

function throughDoor(root: string, target: string, room: string): boolean {
  if (WITHOUT_DOOR.has(room)) return true
  const door = `lib/${room}`
  return target === door && (existsSync(join(root, `${door}.ts`)) || existsSync(join(root, door, 'index.ts')))
}

/* One pass over strings, templates and comments: a comment inside a string is text, and the other way round. */
const TOKENS = /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)/g

function withoutComments(text: string): string {
  return text.replace(TOKENS, (token, comment: string | undefined) => (comment === undefined ? token : ' '))
}

function withoutTextAndComments(text: string): string {
  return text.replace(TOKENS, (_token, comment: string | undefined) => (comment === undefined ? "''" : ' '))
}
