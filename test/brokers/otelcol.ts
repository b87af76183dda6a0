import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort, projectFile, run, until } from '../support'

/** As in test/brokers/otelcol/go.mod. */
const VERSION = '0.165.0'
const BUILD_MS = 900_000

/** The OpenTelemetry Collector, built once from its Go modules; undefined, and why is printed, if that cannot be done here. */
export async function builtCollector(): Promise<string | undefined> {
  const program = projectFile(join('.cache/brokers', `otelcol-${VERSION}`))
  if (existsSync(program)) return program
  try {
    const built = await run('go', ['build', '-o', program, '.'], {
      cwd: projectFile('test/brokers/otelcol'),
      deadlineMs: BUILD_MS,
    })
    if (built.code === 0) return program
    process.stderr.write(`the OpenTelemetry Collector cannot be built: ${built.stderr}\n`)
  } catch (error) {
    process.stderr.write(`the OpenTelemetry Collector cannot be built: ${(error as Error).message}\n`)
  }
  return undefined
}

/** A request of OTLP JSON. */
export type OtlpRequest = Readonly<Record<string, unknown>>

/** A collector on a port of 127.0.0.1 that it has again after a restart. */
export class Collector {
  readonly port: number
  /** What it was given, one parsed request of OTLP JSON a line, over all its starts; empty if somebody else hears them. */
  readonly requests: OtlpRequest[] = []
  readonly #program: string
  readonly #maxBodyBytes: number
  readonly #hear: (request: OtlpRequest) => void
  #child: ChildProcessWithoutNullStreams | undefined
  #log = ''

  private constructor(program: string, port: number, maxBodyBytes: number, hear?: (request: OtlpRequest) => void) {
    this.#program = program
    this.port = port
    this.#maxBodyBytes = maxBodyBytes
    this.#hear = hear ?? ((request) => this.requests.push(request))
  }

  static async start(program: string, maxBodyBytes = 2 ** 24, hear?: (request: OtlpRequest) => void): Promise<Collector> {
    const collector = new Collector(program, await freePort(), maxBodyBytes, hear)
    await collector.start()
    return collector
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const http = `endpoint: "127.0.0.1:${this.port}", max_request_body_size: ${this.#maxBodyBytes}`
    const pipeline = 'receivers: [otlp], exporters: [lines]'
    const config = `
receivers: { otlp: { protocols: { http: { ${http} } } } }
exporters: { lines: {} }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { logs: { ${pipeline} }, traces: { ${pipeline} } }
`
    const child = spawn(this.#program, [config])
    this.#child = child
    this.#readLines(child)
    await until(`the collector listens: ${this.#log}`, () => this.#isListening || child.exitCode !== null, 30_000)
    if (child.exitCode !== null) throw new Error(`the collector ended: ${this.#log}`)
    await reachable(this.port)
  }

  /** Stops it in its tracks, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  /** Ends it at once, as the kernel does when there is no memory left; `SIGTERM` lets it finish. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'close')
    this.#log = ''
  }

  get #isListening(): boolean {
    return this.#log.includes('Everything is ready')
  }

  #readLines(child: ChildProcessWithoutNullStreams): void {
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#hear(JSON.parse(line) as OtlpRequest)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text
    })
  }
}

/** Resolves when somebody takes connections on a port of 127.0.0.1. */
export async function reachable(port: number, deadlineMs = 30_000): Promise<void> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const found = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
      () => false,
    )
    socket.destroy()
    if (found) return
    if (Date.now() > deadline) throw new Error(`nobody listens on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
