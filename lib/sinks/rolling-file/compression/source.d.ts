/** The program that compresses, as one string of CommonJS; put in by build.mjs. */
export const compressionSource: string
