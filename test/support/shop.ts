import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { type RunningProgram, type StartOptions, startNode } from './processes'
import { projectFile } from './project'

/** The folder of the sample system. */
export const SHOP = projectFile('docs/examples/shop')

/** The services of the sample system, from the front to the back. */
export const SERVICES = ['gateway', 'orders', 'stock'] as const

/** One log line of a service, parsed. */
export type LogLine = Readonly<Record<string, unknown>>

/** Listens on `port` of the loopback interface. */
export async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Closes a server that `listen` opened. */
export async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

/** True if nobody listens on any of the three ports from `port` on. */
export async function portsAreFree(port: number): Promise<boolean> {
  for (const offset of [0, 1, 2]) {
    const server = await listen(port + offset).catch(() => undefined)
    if (server === undefined) return false
    await close(server)
  }
  return true
}

/** The first of three neighbouring ports that are free. */
export async function threeFreePorts(): Promise<number> {
  for (let i = 0; i < 50; i++) {
    const port = 20_000 + 3 * Math.floor(Math.random() * 4000)
    if (await portsAreFree(port)) return port
  }
  throw new Error('no three free ports in a row')
}

/** Whether a process is there; one that has ended and waits for its parent to ask is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** All lines of a service's log; throws for a torn one. */
export function logLines(folder: string, service: string): LogLine[] {
  const lines = readFileSync(join(folder, `${service}.log`), 'utf8').split('\n')
  if (lines.pop() !== '') throw new Error(`the last line of ${service} is torn`)
  return lines.map((line) => JSON.parse(line) as LogLine)
}

/** The sample system, started as `npm start` does, in a process group of its own. */
export function startShop(
  port: number,
  folder: string,
  args: readonly string[] = [],
  env: StartOptions['env'] = {},
): RunningProgram {
  const script = join(SHOP, 'start.mjs')
  return startNode([script, '--port', String(port), '--logs', folder, ...args], { env, detached: true })
}

/** Waits until it has shown its tree. */
export async function shopIsUp(shop: RunningProgram): Promise<void> {
  await shop.waitForOutput(/Ctrl-C stops everything/)
}

/** The process ids of the services of a running shop. */
export function servicesOf(shop: RunningProgram): number[] {
  const pids = execFileSync('pgrep', ['-P', String(shop.child.pid)], { encoding: 'utf8' })
  return pids.trim().split('\n').map(Number)
}
