// Puts one committed fault at a time into a copy of the sources; each must make a test fail.
//
//   npm run mutants              all
//   npm run mutants -- enterWith those whose name contains it
//   npm run mutants -- --tested --share=2/3
//                                the second of each three, after their tests have just passed without them
//
// A mutant that does not compile, whose text is not found exactly once, or whose tests fail without it, is an error. As many mutants as there
// are cores are tried at a time, each in a copy of its own.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.cache', 'logs'])
const DEADLINE_MS = 180_000

const all = JSON.parse(readFileSync(join(ROOT, 'test/mutants/mutants.json'), 'utf8'))
const { values, positionals: words } = parseArgs({
  options: { tested: { type: 'boolean' }, share: { type: 'string', default: '1/1' } },
  allowPositionals: true,
})
const [share, shares] = values.share.split('/').map(Number)
const mutants = all.filter(({ name }, i) => words.every((word) => name.includes(word)) && i % shares === share - 1)

const copies = []
process.on('exit', () => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/* The sources in a folder of their own, built. */
async function copySources() {
  const work = realpathSync(mkdtempSync(join(tmpdir(), 'tracelane-mutants-')))
  copies.push(work)
  cpSync(ROOT, work, { recursive: true, filter: (path) => !NOT_COPIED.has(relative(ROOT, path).split(sep)[0]) })
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(work, 'node_modules'))
  const problem = await build(work)
  if (problem !== undefined) throw new Error(`the sources do not build:\n${problem}`)
  return work
}

function run(work, ...args) {
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

async function build(work) {
  const checked = await run(work, 'node_modules/typescript/bin/tsc')
  if (checked.code !== 0) return checked.output
  const built = await run(work, 'build.mjs')
  return built.code === 0 ? undefined : built.output
}

/* Runs the tests of a mutant and says which failed; undefined when they could not be run to their end. */
async function failuresOf(work, { tests, only }, ...more) {
  const report = join(work, 'report.json')
  rmSync(report, { force: true })
  const specs = tests.map((file) => join('dist', file.replace(/\.ts$/, '.js')))
  const flags = ['--no-config', '--exit', '--timeout', '20000', '--require', './dist/test/support/hooks.js', ...more]
  const filter = only === undefined ? [] : ['--fgrep', only]
  const reporter = ['--reporter', 'json', '--reporter-option', `output=${report}`]
  const { output } = await run(work, 'node_modules/mocha/bin/mocha.js', ...flags, ...filter, ...reporter, ...specs)
  if (!existsSync(report)) return { output, ran: 0, failed: [] }
  const { stats, failures } = JSON.parse(readFileSync(report, 'utf8'))
  return { output, ran: stats.passes + stats.failures, failed: failures.map(({ fullTitle }) => fullTitle) }
}

function faulty(text, { find, replace }, name) {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${name}: found ${parts.length - 1} times, not once: ${find}`)
  return parts.join(replace)
}

async function judge(work, mutant) {
  const { name, file, edits = [mutant] } = mutant
  const path = join(work, file)
  const text = readFileSync(path, 'utf8')
  try {
    writeFileSync(
      path,
      edits.reduce((faultyText, edit) => faulty(faultyText, edit, name), text),
    )
    const problem = await build(work)
    if (problem !== undefined) return { verdict: 'does not compile', detail: problem }
    // One failure is enough, and more may each wait for their time to be over.
    const { failed, output } = await failuresOf(work, mutant, '--bail')
    return failed.length > 0 ? { verdict: 'caught', detail: failed[0] } : { verdict: 'SURVIVED', detail: output }
  } catch (error) {
    return { verdict: 'error', detail: error.message }
  } finally {
    writeFileSync(path, text)
  }
}

const workers = Math.max(Math.min(availableParallelism(), mutants.length), 1)
const works = await Promise.all(Array.from({ length: workers }, copySources))

/* Calls `fn` for each item, in as many copies at a time as there are. */
function forEachIn(items, fn) {
  const left = [...items]
  const next = async (work) => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await fn(work, item)
  }
  return Promise.all(works.map(next))
}

const byTests = new Map(mutants.map((mutant) => [JSON.stringify([mutant.tests, mutant.only]), mutant]))
await forEachIn(values.tested === true ? [] : byTests.values(), async (work, mutant) => {
  const { ran, failed, output } = await failuresOf(work, mutant)
  if (ran === 0) throw new Error(`${mutant.name}: no test of ${mutant.tests} runs\n${output}`)
  if (failed.length > 0) throw new Error(`${mutant.name}: its tests fail without it: ${failed.join('; ')}\n${output}`)
})

let caught = 0
await forEachIn(mutants, async (work, mutant) => {
  const { verdict, detail } = await judge(work, mutant)
  if (verdict === 'caught') caught++
  const firstLine = verdict === 'caught' ? `by: ${detail}` : detail
  console.log(`${verdict.padEnd(8)}  ${mutant.name}\n          ${firstLine}`)
})
// Written as mocha writes it, for .ci/run
console.log(`\n  ${caught} passing\n  ${mutants.length - caught} failing`)
process.exitCode = caught === mutants.length && caught > 0 ? 0 : 1
