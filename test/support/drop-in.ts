import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { applyPatch } from 'diff'
import { installPacked } from './packed'
import { projectFile } from './project'
import { tempFolder } from './temp-folder'

/** The folder of the applications into which tracelane is dropped. */
export const APPS = projectFile('test/drop-in/apps')

/** How an application is asked, and what it logs. */
export interface App {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: (nonce: string) => string
  readonly body?: (nonce: string) => { readonly type: string; readonly text: string }
  /** How many lines its own logger writes for a request, and for one that fails (if it can fail). */
  readonly lines: number
  readonly linesOfFailure?: number
  readonly packages: readonly string[]
  /** The trace id that a line carries; undefined for lines that are not from the app's own logger. */
  readonly idOf: (line: string) => string | undefined
}

/* Our appenders write the ends of requests too. */
const oursFrom = (logger: string) => (line: string) => {
  const { logger: name, name: pinos } = JSON.parse(line) as { logger?: string; name?: string }
  return (name ?? pinos)?.startsWith(logger) ? json(line) : undefined
}
const json = (line: string) => (JSON.parse(line) as { traceId?: string }).traceId ?? 'none'
/* The lines of one logger of ours, or of those that `name` fits. */
const ours = (name: RegExp) => (line: string) =>
  name.test((JSON.parse(line) as { logger?: string }).logger ?? '') ? json(line) : undefined
const jsonBody = (nonce: string) => ({ type: 'application/json', text: JSON.stringify({ nonce }) })
const formBody = (nonce: string) => ({ type: 'application/x-www-form-urlencoded', text: `nonce=${nonce}` })

/** All of them, by their folders. */
export const apps: Readonly<Record<string, App>> = {
  'pino-cjs': {
    method: 'GET',
    path: (nonce) => `/orders/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express', 'pino'],
    idOf: json,
  },
  'pino-esm-grpc': {
    method: 'POST',
    path: (nonce) => `/reservations/${nonce}`,
    lines: 8,
    packages: ['express', 'pino', '@grpc/grpc-js', '@grpc/proto-loader'],
    idOf: json,
  },
  'winston-cjs': {
    method: 'POST',
    path: () => '/subscribers',
    body: jsonBody,
    lines: 4,
    linesOfFailure: 3,
    packages: ['express', 'winston'],
    idOf: json,
  },
  'winston-esm': {
    method: 'GET',
    path: (nonce) => `/reports/${nonce}`,
    lines: 6,
    packages: ['express', 'winston', 'axios'],
    idOf: json,
  },
  'pino-appender-esm': {
    method: 'POST',
    path: () => '/tickets',
    body: jsonBody,
    lines: 2,
    linesOfFailure: 2,
    packages: ['express', 'pino'],
    idOf: oursFrom('tickets'),
  },
  'winston-appender-cjs': {
    method: 'GET',
    path: (nonce) => `/books/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express', 'winston'],
    idOf: oursFrom('winston'),
  },
  'bunyan-cjs': {
    method: 'GET',
    path: (nonce) => `/prices/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express', 'bunyan'],
    idOf: oursFrom('prices'),
  },
  'log4js-cjs': {
    method: 'PUT',
    path: (nonce) => `/parcels/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express', 'log4js'],
    idOf: oursFrom('parcels'),
  },
  'console-cjs': {
    method: 'POST',
    path: () => '/entries',
    body: formBody,
    lines: 3,
    linesOfFailure: 2,
    packages: ['express'],
    idOf: (line) => /^\[([0-9a-f]{32})\] /.exec(line)?.[1] ?? 'none',
  },
  'ours-esm': {
    method: 'PUT',
    path: (nonce) => `/rooms/12/bookings/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express'],
    idOf: ours(/^bookings$/),
  },
  'console-routed-cjs': {
    method: 'PUT',
    path: (nonce) => `/readings/${nonce}`,
    lines: 3,
    linesOfFailure: 2,
    packages: ['express'],
    idOf: ours(/^console$/),
  },
  'fastify-esm': {
    method: 'GET',
    path: (nonce) => `/tickets/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['fastify'],
    idOf: ours(/^fastify$/),
  },
  'logtape-esm': {
    method: 'GET',
    path: (nonce) => `/parcels/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express', '@logtape/logtape'],
    idOf: ours(/^parcels\./),
  },
  'nest-cjs': {
    method: 'GET',
    path: (nonce) => `/invoices/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', 'rxjs'],
    idOf: ours(/^Invoice/),
  },
  'otel-logs-esm': {
    method: 'GET',
    path: (nonce) => `/deliveries/${nonce}`,
    lines: 2,
    linesOfFailure: 2,
    packages: ['express', '@opentelemetry/api', '@opentelemetry/api-logs', '@opentelemetry/sdk-logs'],
    idOf: ours(/^deliveries$/),
  },
}

/** Who asks. */
export interface User {
  readonly nonce: string
  /** The trace that this user's client made, if it made one. */
  readonly clientTraceId: string | undefined
  readonly fails: boolean
}

/** What a user got. */
export interface Answer extends User {
  readonly status: number
  readonly traceId: string
}

/** `count` users, every second one with a trace of its own; every fifth makes the app fail if it can. */
export function users(app: App, count: number): User[] {
  return Array.from({ length: count }, (_, i) => ({
    nonce: `nonce-${randomBytes(8).toString('hex')}`,
    clientTraceId: i % 2 === 0 ? randomBytes(16).toString('hex') : undefined,
    fails: app.linesOfFailure !== undefined && i % 5 === 0,
  }))
}

/** Asks the app on `port` as `user`. */
export async function ask(port: number, app: App, user: User): Promise<Answer> {
  const { nonce, clientTraceId, fails } = user
  const body = app.body?.(nonce)
  const headers: Record<string, string> = { 'x-nonce': nonce }
  if (body !== undefined) headers['content-type'] = body.type
  if (clientTraceId !== undefined) headers['traceparent'] = `00-${clientTraceId}-${randomBytes(8).toString('hex')}-01`
  const path = app.path(nonce) + (fails ? '?fail=1' : '')
  const sent = request({ host: '127.0.0.1', port, method: app.method, path, headers, agent: false })
  sent.end(body?.text)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return { ...user, status: response.statusCode ?? 0, traceId: String(response.headers['x-trace-id']) }
}

/** What was changed to put tracelane into the app. */
export function diffOf(name: string): string {
  return readFileSync(join(APPS, name, 'adopt.diff'), 'utf8')
}

/** A folder with the app, tracelane in it and all that it needs installed, and the name of its main file. */
export async function adopt(name: string, app: App): Promise<{ folder: string; main: string }> {
  const folder = tempFolder()
  cpSync(join(APPS, name), folder, { recursive: true })
  await installPacked(folder, app.packages)
  const main = existsSync(join(folder, 'app.js')) ? 'app.js' : 'app.mjs'
  const adopted = applyPatch(readFileSync(join(folder, main), 'utf8'), diffOf(name), { fuzzFactor: 0 })
  if (adopted === false) throw new Error(`adopt.diff of ${name} does not fit ${main}`)
  writeFileSync(join(folder, main), adopted)
  return { folder, main }
}
