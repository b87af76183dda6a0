#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { isTracelaneError, TracelaneError } from '../errors'
import { trace } from './trace'

const USAGE = `tracelane: one request, one lane

Usage: tracelane trace <trace id> FILES... [--json] [--no-color]

  trace   merges the log files of several services and prints one trace as a tree of spans, with
          its lines in causal order; '-' is standard input

  --json       prints one JSON document instead
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
    else await run(positionals, { json: values.json === true, color: values['no-color'] !== true })
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
    const options = { json: flag, 'no-color': flag, help: { ...flag, short: 'h' }, version: flag } as const
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new TracelaneError('ERR_TRACELANE_CLI_USAGE', (error as Error).message, { cause: error })
  }
}

async function run([command, ...rest]: readonly string[], flags: { json: boolean; color: boolean }): Promise<void> {
  const [id, ...files] = rest
  if (command === undefined) throw new TracelaneError('ERR_TRACELANE_CLI_USAGE', 'name a command; see tracelane --help')
  if (command !== 'trace')
    throw new TracelaneError('ERR_TRACELANE_CLI_USAGE', `there is no command '${command}'; see tracelane --help`)
  if (id === undefined || files.length === 0) {
    throw new TracelaneError('ERR_TRACELANE_CLI_USAGE', 'name a trace id and at least one log file; see tracelane --help')
  }
  await trace(id, files, flags)
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
