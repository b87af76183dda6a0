/** The flush thread's program as one string of CommonJS; put in by build.mjs. */
export const workerSource: string
