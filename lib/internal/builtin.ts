/*
 * Parts of Node that take milliseconds to load and are needed later, if at all. `process.getBuiltinModule` (Node 20.16) finds them
 * also in a bundle of ES modules, in which there is no `require`.
 */

export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')

export const net = (): typeof import('node:net') => process.getBuiltinModule('node:net')

export const tty = (): typeof import('node:tty') => process.getBuiltinModule('node:tty')

export const workerThreads = (): typeof import('node:worker_threads') => process.getBuiltinModule('node:worker_threads')
