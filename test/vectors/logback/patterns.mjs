// Has the real logback format every vector of test/vectors/logback-pattern.json.
//
//   node test/vectors/logback/patterns.mjs          says which texts are not logback's; exits 1 if there are any, 2 without Java or Maven
//   node test/vectors/logback/patterns.mjs --write  puts logback's texts into the file
//
// Maven fetches logback, or has it in its cache.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('../logback-pattern.json', import.meta.url))
const PROGRAM = fileURLToPath(new URL('Patterns.java', import.meta.url))
const POM = fileURLToPath(new URL('pom.xml', import.meta.url))

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options })
  if (error !== undefined) {
    console.error(`${command} cannot be started: ${error.message}`)
    process.exit(2)
  }
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}${stdout}`)
  return stdout
}

function* commandsOf(vector, defaults) {
  const event = { ...defaults, ...vector.event }
  const { time, level, logger, msg, thread, startedAt } = event
  yield ['begin', vector.pattern, time, level, logger, msg, thread, startedAt]
  for (const kind of ['mdc', 'property', 'pair']) for (const [key, value] of event[kind] ?? []) yield [kind, key, value]
  if (event.error !== undefined) yield* errorCommands('error', event.error)
  yield ['format']
}

function* errorCommands(role, { type, message, frames, cause, suppressed = [] }) {
  yield ['error', role, type, message]
  for (const frame of frames) yield ['frame', frame]
  for (const one of suppressed) yield* errorCommands('suppressed', one)
  if (cause !== undefined) yield* errorCommands('cause', cause)
  yield ['close']
}

function classpath() {
  const folder = mkdtempSync(join(tmpdir(), 'tracelane-logback-'))
  const file = join(folder, 'classpath')
  try {
    run('mvn', ['-q', '-B', '-f', POM, 'dependency:build-classpath', `-Dmdep.outputFile=${file}`])
    return readFileSync(file, 'utf8').trim()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function logbackTexts({ event, vectors }) {
  const base64 = (text) => Buffer.from(String(text)).toString('base64')
  const commands = vectors.flatMap((vector) => [...commandsOf(vector, event)])
  const input = commands.map(([name, ...args]) => `${[name, ...args.map(base64)].join(' ')}\n`).join('')
  const flags = ['-Duser.timezone=UTC', '-Duser.language=en', '-Duser.country=US', '-cp', classpath()]
  const lines = run('java', [...flags, PROGRAM], { input })
    .trimEnd()
    .split('\n')
  return lines.map((line) => Buffer.from(line, 'base64').toString())
}

run('java', ['-version'])
run('mvn', ['-version'])
const file = JSON.parse(readFileSync(FILE, 'utf8'))
const texts = logbackTexts(file)
if (texts.length !== file.vectors.length)
  throw new Error(`logback wrote ${texts.length} texts for ${file.vectors.length} vectors`)

if (process.argv.includes('--write')) {
  for (const [i, vector] of file.vectors.entries()) vector.text = texts[i]
  writeFileSync(FILE, `${JSON.stringify(file, undefined, 2)}\n`)
  console.log(`wrote ${texts.length} texts of logback`)
} else {
  const wrong = file.vectors.filter(({ text }, i) => text !== texts[i])
  for (const { rule, pattern, text } of wrong) {
    console.log(
      `${rule}: ${pattern}\n  logback ${JSON.stringify(texts[file.vectors.findIndex((one) => one.rule === rule)])}\n  vector  ${JSON.stringify(text)}`,
    )
  }
  console.log(`${texts.length - wrong.length} of ${texts.length} texts are logback's`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}
