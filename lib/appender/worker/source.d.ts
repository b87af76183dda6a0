/** The flush thread's program as one string of CommonJS; written by `inline.mjs` when the package is built. */
export const workerSource: string
