/**
 * The version of what stands in batches and messages beside their lines: `tracelane-v`. A change that a reader of version 1 cannot pass needs another one; what a
 * reader does not know it leaves alone.
 */
export const SCHEMA_VERSION = 1
