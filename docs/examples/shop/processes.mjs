// Starts the three services as processes of their own, and stops them again.
import { fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SERVICES = ['gateway', 'orders', 'stock']

/**
 * Starts the services with empty logs, and with `env` added to the environment. `onTrouble` is called with an error if one of
 * them ends before `stop` is called.
 */
export function startShop({ port, logFolder, onTrouble, env: more = {} }) {
  mkdirSync(logFolder, { recursive: true })
  const logs = SERVICES.map((service) => join(logFolder, `${service}.log`))
  for (const log of logs) writeFileSync(log, '')
  // A port in use is told once, in a sentence of ours.
  const quiet = { GRPC_VERBOSITY: 'NONE' }
  const ports = { GATEWAY_PORT: port, ORDERS_PORT: port + 1, STOCK_PORT: port + 2 }
  const env = { ...process.env, ...quiet, ...ports, LOG_DIR: logFolder, ...more }
  const services = SERVICES.map((name) => startService(name, env))
  let stopping

  for (const { name, child } of services) {
    child.once('exit', (code, signal) => {
      if (stopping === undefined && (code !== 0 || signal !== null)) onTrouble(new Error(`${name} ended with ${signal ?? code}`))
    })
  }

  // From the front to the back, so that requests under way can be finished.
  async function stopAll() {
    for (const { child, ended } of services) {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 6000)
      await ended
      clearTimeout(timer)
    }
  }

  return {
    logs,
    pids: services.map(({ child }) => child.pid),
    /** Resolves when all can be called; rejects with the first reason why one cannot. */
    ready: Promise.all(services.map(({ ready }) => ready)),
    /** Resolves when all have ended. */
    stop() {
      stopping ??= stopAll()
      return stopping
    },
  }
}

/* The IPC channel is how a service notices that this process is gone, even after kill -9. */
function startService(name, env) {
  const child = fork(join(import.meta.dirname, `${name}.mjs`), { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const ready = new Promise((resolve, reject) => {
    child.once('message', ({ failed }) => (failed === undefined ? resolve() : reject(new Error(failed))))
    child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${signal ?? code}`)))
  })
  ready.catch(() => {})
  return { name, child, ended, ready }
}
