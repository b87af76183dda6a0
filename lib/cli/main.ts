#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { isTracelaneError, TracelaneError } from '../errors'
import { signLevelCommand } from './sign-level'
import { drainSpools, listSpools, repairSpools, verifySpools } from './spool'
import { trace } from './trace'

const USAGE = `tracelane: one request, one lane

Usage: tracelane trace <trace id> FILES... [--json] [--no-color]
       tracelane sign-level [LEVEL] [--expires SECONDS] [--trace ID]
       tracelane spool ls|verify|repair|drain DIRECTORY [--json]

  trace   merges the log files of several services and prints one trace as a tree of spans, with
          its lines in causal order; '-' is standard input

  sign-level  prints a value for the header tracelane-level that turns one trace to LEVEL (debug),
              signed with the secret in TRACELANE_LEVEL_SECRET

  spool  for spools on disk, one or all in a directory: ls says what waits in them, verify reads all
         of it and writes nothing, repair mends what is torn or damaged, drain writes the lines to
         standard output and takes them out; repair and drain refuse a spool that is in use

  --expires    how long it holds, at most 86400 seconds; 600 without
  --trace      the only trace for which it holds; without, whatever trace it comes with
  --json       prints one JSON document instead (trace, spool ls, spool verify)
  --no-color   no colours; NO_COLOR and a pipe have the same effect
  --version    prints the version
  --help       prints this
`

/* 0: done; 1: it could not be done, in one sentence on stderr; 2: the command line is wrong. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args)
    if (values.help) process.stdout.write(USAGE)
    else if (values.version) process.stdout.write(`${version()}\n`)
    else await run(positionals, values)
    return 0
  } catch (error) {
    if (!isTracelaneError(error)) throw error
    process.stderr.write(`tracelane: ${error.message}\n`)
    return error.code === 'ERR_TRACELANE_CLI_USAGE' ? 2 : 1
  }
}

function parse(args: readonly string[]) {
  try {
    const flag = { type: 'boolean' } as const
    const text = { type: 'string' } as const
    const options = {
      json: flag,
      'no-color': flag,
      expires: text,
      trace: text,
      help: { ...flag, short: 'h' },
      version: flag,
    } as const
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new TracelaneError('ERR_TRACELANE_CLI_USAGE', (error as Error).message, { cause: error })
  }
}

async function run([command, ...rest]: readonly string[], flags: ReturnType<typeof parse>['values']): Promise<void> {
  if (command === undefined) throw usage('name a command')
  if (command === 'trace') await runTrace(rest, flags)
  else if (command === 'sign-level') runSignLevel(rest, flags)
  else if (command === 'spool') runSpool(rest, flags)
  else throw usage(`there is no command '${command}'`)
}

async function runTrace([id, ...files]: readonly string[], flags: ReturnType<typeof parse>['values']): Promise<void> {
  if (id === undefined || files.length === 0) throw usage('name a trace id and at least one log file')
  await trace(id, files, { json: flags.json === true, color: flags['no-color'] !== true })
}

function runSignLevel([level, ...more]: readonly string[], flags: ReturnType<typeof parse>['values']): void {
  if (more.length > 0) throw usage('sign-level takes one level')
  signLevelCommand(level, { expires: flags.expires, trace: flags.trace })
}

function runSpool([action, directory, ...more]: readonly string[], flags: ReturnType<typeof parse>['values']): void {
  const actions = { ls: listSpools, verify: verifySpools, repair: repairSpools, drain: drainSpools } as const
  if (action === undefined || !Object.hasOwn(actions, action)) throw usage('say spool ls, verify, repair or drain')
  if (directory === undefined || more.length > 0) throw usage(`spool ${action} takes one directory`)
  actions[action as keyof typeof actions](directory, { json: flags.json === true })
}

function usage(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_CLI_USAGE', `${detail}; see tracelane --help`)
}

/* The package's own file stands above this one, at a depth that differs between a bundle and the compiled sources. */
function version(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
}

// `| head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.nextTick(() => {
      throw error
    })
  },
)
