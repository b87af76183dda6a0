/** The flush thread's program as one string of CommonJS; put in by build.mjs. */
export const workerSource: string
/** A name for that program, made from it. */
export const programVersion: string
