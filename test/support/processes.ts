import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { projectRoot } from './project'

/** What a program did. */
export interface Outcome {
  /** The exit code, or null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How to start a program. */
export interface StartOptions {
  /** @default the project's root */
  readonly cwd?: string
  /** Added to the environment; a value of undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Written to its stdin, which is then closed. */
  readonly input?: string
  /** Whether its stdin is left open, for the test to end. @default false */
  readonly keepsInput?: boolean
  /** Whether it gets a process group of its own, as from a shell, so that a test can press Ctrl-C. @default false */
  readonly detached?: boolean
  /** It is killed after this time, and `ended` rejects. @default 60000 */
  readonly deadlineMs?: number
}

const left = new Set<RunningProgram>()

/** A program that was started and may still run. Its output is kept whole. */
export class RunningProgram {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Settles when the program has ended and all its output was read; rejects only when it had to be killed at its deadline. */
  readonly ended: Promise<Outcome>
  stdout = ''
  stderr = ''
  readonly #command: string

  constructor(file: string, args: readonly string[], options: StartOptions = {}) {
    this.#command = [file, ...args].join(' ')
    this.child = spawn(file, args, {
      cwd: options.cwd ?? projectRoot,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: options.detached ?? false,
    })
    left.add(this)
    this.child.stdin.on('error', () => {}) // it may end before it has read its input; its outcome tells
    if (options.keepsInput !== true) this.child.stdin.end(options.input)
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = this.#end(options.deadlineMs ?? 60_000)
    this.ended.catch(() => {}) // whoever waits for it gets the rejection
  }

  async #end(deadlineMs: number): Promise<Outcome> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.child.kill('SIGKILL')
    }, deadlineMs)
    try {
      const [code, signal] = (await once(this.child, 'close')) as [number | null, NodeJS.Signals | null]
      if (late) throw new Error(`killed after ${deadlineMs} ms: ${this.#command}\n${this.stdout}${this.stderr}`)
      return { code, signal, stdout: this.stdout, stderr: this.stderr }
    } finally {
      clearTimeout(timer)
      left.delete(this)
    }
  }

  /** Waits until stdout matches; rejects when the program ends or `deadlineMs` passes before. */
  async waitForOutput(pattern: RegExp, deadlineMs = 20_000): Promise<RegExpExecArray> {
    const problem = (what: string) => new Error(`${what} before ${pattern}: ${this.#command}\n${this.stdout}${this.stderr}`)
    const late = AbortSignal.timeout(deadlineMs)
    const closed = this.ended.then(
      () => true,
      () => true,
    )
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match !== null) return match
      if (late.aborted) throw problem(`${deadlineMs} ms passed`)
      const heard = once(this.child.stdout, 'data', { signal: late }).catch(() => false)
      if ((await Promise.race([heard, closed])) === true && pattern.exec(this.stdout) === null) throw problem('it ended')
    }
  }

  /** Sends `signal` and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.child.kill(signal)
    return await this.ended
  }
}

/** Starts a Node.js program; `args` begins with flags or the script. */
export function startNode(args: readonly string[], options?: StartOptions): RunningProgram {
  return new RunningProgram(process.execPath, args, options)
}

/** Runs a Node.js program to its end. */
export async function runNode(args: readonly string[], options?: StartOptions): Promise<Outcome> {
  return await startNode(args, options).ended
}

/** Runs any program to its end. */
export async function run(file: string, args: readonly string[], options?: StartOptions): Promise<Outcome> {
  return await new RunningProgram(file, args, options).ended
}

/** Kills what a suite has started and not stopped. */
export function killLeftChildren(): void {
  for (const program of left) program.child.kill('SIGKILL')
}
