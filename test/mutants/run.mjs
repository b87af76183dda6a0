// Puts one committed fault at a time into a copy of the sources; each must make a test fail.
//
//   npm run mutants              all
//   npm run mutants -- enterWith those whose name contains it
//
// A mutant that does not compile, whose text is not found exactly once, or whose tests fail without it, is an error.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.cache', 'logs'])
const DEADLINE_MS = 180_000

const all = JSON.parse(readFileSync(join(ROOT, 'test/mutants/mutants.json'), 'utf8'))
const mutants = all.filter(({ name }) => process.argv.slice(2).every((word) => name.includes(word)))

const work = realpathSync(mkdtempSync(join(tmpdir(), 'tracelane-mutants-')))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

cpSync(ROOT, work, { recursive: true, filter: (path) => !NOT_COPIED.has(relative(ROOT, path).split(sep)[0]) })
symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(work, 'node_modules'))

function run(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: '1' },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

async function build() {
  const checked = await run('node_modules/typescript/bin/tsc')
  if (checked.code !== 0) return checked.output
  const built = await run('build.mjs')
  return built.code === 0 ? undefined : built.output
}

/* Runs the tests of a mutant and says which failed; undefined when they could not be run to their end. */
async function failuresOf({ tests, only }) {
  const report = join(work, 'report.json')
  rmSync(report, { force: true })
  const specs = tests.map((file) => join('dist', file.replace(/\.ts$/, '.js')))
  const flags = ['--no-config', '--exit', '--timeout', '20000', '--require', './dist/test/support/hooks.js']
  const filter = only === undefined ? [] : ['--fgrep', only]
  const reporter = ['--reporter', 'json', '--reporter-option', `output=${report}`]
  const { output } = await run('node_modules/mocha/bin/mocha.js', ...flags, ...filter, ...reporter, ...specs)
  if (!existsSync(report)) return { output, ran: 0, failed: [] }
  const { stats, failures } = JSON.parse(readFileSync(report, 'utf8'))
  return { output, ran: stats.passes + stats.failures, failed: failures.map(({ fullTitle }) => fullTitle) }
}

function faulty(text, { find, replace }, name) {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${name}: found ${parts.length - 1} times, not once: ${find}`)
  return parts.join(replace)
}

async function judge(mutant) {
  const { name, file, edits = [mutant] } = mutant
  const path = join(work, file)
  const text = readFileSync(path, 'utf8')
  try {
    writeFileSync(
      path,
      edits.reduce((faultyText, edit) => faulty(faultyText, edit, name), text),
    )
    const problem = await build()
    if (problem !== undefined) return { verdict: 'does not compile', detail: problem }
    const { failed, output } = await failuresOf(mutant)
    return failed.length > 0 ? { verdict: 'caught', detail: failed[0] } : { verdict: 'SURVIVED', detail: output }
  } catch (error) {
    return { verdict: 'error', detail: error.message }
  } finally {
    writeFileSync(path, text)
  }
}

const problem = await build()
if (problem !== undefined) throw new Error(`the sources do not build:\n${problem}`)
const sound = new Map()
for (const mutant of mutants) {
  const key = JSON.stringify([mutant.tests, mutant.only])
  if (!sound.has(key)) sound.set(key, failuresOf(mutant))
  const { ran, failed, output } = await sound.get(key)
  if (ran === 0) throw new Error(`${mutant.name}: no test of ${mutant.tests} runs\n${output}`)
  if (failed.length > 0) throw new Error(`${mutant.name}: its tests fail without it: ${failed.join('; ')}\n${output}`)
}

let caught = 0
for (const mutant of mutants) {
  const { verdict, detail } = await judge(mutant)
  if (verdict === 'caught') caught++
  const firstLine = verdict === 'caught' ? `by: ${detail}` : detail
  console.log(`${verdict.padEnd(8)}  ${mutant.name}\n          ${firstLine}`)
}
// Written as mocha writes it, for .ci/run
console.log(`\n  ${caught} passing\n  ${mutants.length - caught} failing`)
process.exitCode = caught === mutants.length && caught > 0 ? 0 : 1
