/*
 * Parts of Node that take milliseconds to load and are needed later, if at all. `process.getBuiltinModule` (Node 20.16) finds them
 * also in a bundle of ES modules, in which there is no `require`.
 */

export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')

export const http = (): typeof import('node:http') => process.getBuiltinModule('node:http')

export const https = (): typeof import('node:https') => process.getBuiltinModule('node:https')

export const nodeModule = (): typeof import('node:module') => process.getBuiltinModule('node:module')

export const net = (): typeof import('node:net') => process.getBuiltinModule('node:net')

export const tls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls')

export const tty = (): typeof import('node:tty') => process.getBuiltinModule('node:tty')

export const workerThreads = (): typeof import('node:worker_threads') => process.getBuiltinModule('node:worker_threads')

export const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib')
