import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, projectFile, run, tempFolder } from '../support'
import { reachable } from './otelcol'

/** As in test/brokers/opensearch/pom.xml. */
const VERSION = '2.19.1'
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const FETCH_MS = 600_000
const STARTING_MS = 120_000

/** OpenSearch as a class path, fetched and compiled once by Maven; undefined, and why is printed, if that cannot be done here. */
export async function builtOpenSearch(): Promise<string | undefined> {
  const folder = projectFile(join('.cache/brokers', `opensearch-${VERSION}`))
  const [jars, classes] = [join(folder, 'jars'), join(folder, 'classes')]
  const source = projectFile('test/brokers/opensearch/src/Start.java')
  try {
    if (!existsSync(join(classes, 'Start.class'))) {
      mkdirSync(folder, { recursive: true })
      const pom = projectFile('test/brokers/opensearch/pom.xml')
      await orThrow('mvn', ['-q', '-B', '-f', pom, COPY, `-DoutputDirectory=${jars}`], FETCH_MS)
      await orThrow('javac', ['-cp', join(jars, '*'), '-d', classes, source], FETCH_MS)
    }
    return [classes, join(jars, '*')].join(':')
  } catch (error) {
    process.stderr.write(`OpenSearch cannot be had: ${(error as Error).message}\n`)
    return undefined
  }
}

async function orThrow(program: string, args: readonly string[], deadlineMs: number): Promise<void> {
  const { code, stdout, stderr } = await run(program, [...args], { deadlineMs })
  if (code !== 0) throw new Error(`${program}: ${stdout}${stderr}`)
}

/** One node of OpenSearch on a port of 127.0.0.1 that it has again after a restart, with its data. */
export class OpenSearch {
  readonly port: number
  readonly #classPath: string
  readonly #home = tempFolder()
  #child: ChildProcessWithoutNullStreams | undefined

  private constructor(classPath: string, port: number) {
    this.#classPath = classPath
    this.port = port
  }

  static async start(classPath: string): Promise<OpenSearch> {
    const server = new OpenSearch(classPath, await freePort())
    await server.start()
    return server
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const child = spawn('java', ['-Xmx512m', '-cp', this.#classPath, 'Start', this.#home, String(this.port)])
    this.#child = child
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-2000)
      })
    }
    await Promise.race([
      reachable(this.port, STARTING_MS),
      once(child, 'close').then(() => Promise.reject(new Error(`OpenSearch ended: ${said}`))),
    ])
  }

  /** Stops it in its tracks, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  /** Ends it; `SIGKILL` as the kernel does when there is no memory left. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'close')
  }

  /** Asks its interface; throws unless it answers with a success. */
  async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(this.origin + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
}
