// Preloaded into a program: makes one file slow, whoever writes to it, on the main thread and in workers. BENCH_SLOW is JSON: { path, mode }.
//
//   dsync   the file is opened with O_DSYNC: a write returns when the disk has it
//   slow    each write takes a millisecond longer, as over a network; a synchronous one blocks its thread for it
//
// Flush threads are started without flags and environment (`execArgv: []`, `env: {}`), so both are put back here.
const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const threads = require('node:worker_threads')

const DELAY_MS = 1
const { path, mode } = JSON.parse(process.env.BENCH_SLOW)
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const slowed = new Set()

const { O_APPEND, O_CREAT, O_DSYNC, O_WRONLY } = fs.constants
const FLAGS = { a: O_APPEND | O_CREAT | O_WRONLY, w: O_CREAT | O_WRONLY }

function flagsFor(name, flags) {
  if (mode !== 'dsync' || String(name) !== path || flags === 'r' || flags === undefined) return flags
  return (typeof flags === 'string' ? FLAGS[flags[0]] : flags) | O_DSYNC
}

const { openSync, open, closeSync, writeSync, write, writev } = fs

function opened(name, fd) {
  if (String(name) === path) slowed.add(fd)
  return fd
}

fs.openSync = (name, flags, ...rest) => opened(name, openSync(name, flagsFor(name, flags), ...rest))
fs.open = (name, flags, ...rest) => {
  if (typeof flags === 'function') return open(name, flags)
  const done = rest.pop()
  return open(name, flagsFor(name, flags), ...rest, (error, fd) => {
    if (!error) opened(name, fd)
    done(error, fd)
  })
}
fs.closeSync = (fd) => {
  slowed.delete(fd)
  return closeSync(fd)
}

if (mode === 'slow') {
  fs.writeSync = (fd, ...rest) => {
    const written = writeSync(fd, ...rest)
    if (slowed.has(fd)) Atomics.wait(sleeper, 0, 0, DELAY_MS)
    return written
  }
  const later =
    (call) =>
    (fd, ...rest) => {
      const done = rest.pop()
      if (!slowed.has(fd)) return call(fd, ...rest, done)
      return call(fd, ...rest, (...results) => setTimeout(done, DELAY_MS, ...results))
    }
  fs.write = later(write)
  fs.writev = later(writev)
}

threads.Worker = class extends threads.Worker {
  constructor(program, options = {}) {
    const flags = options.execArgv === undefined ? {} : { execArgv: [...options.execArgv, '--require', __filename] }
    const env = options.env === undefined ? {} : { env: { ...options.env, BENCH_SLOW: process.env.BENCH_SLOW } }
    super(program, { ...options, ...flags, ...env })
  }
}
syncBuiltinESMExports()
