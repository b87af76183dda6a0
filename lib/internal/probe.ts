import { processWide } from './runtime'

/** Where the doctor looks, while it is loaded. Each place asks for its function once, and calls it if there is one. */
export interface Probe {
  /** A logger or an adapter has read the trace for one line; `scope` is undefined if there was none. */
  logCall: ((scope: object | undefined) => void) | undefined
  /** The middleware called `room` has been given `req`, which is `known` if it had a trace already. */
  served: ((room: string, req: object, known: boolean) => void) | undefined
}

/** Empty unless lib/doctor watches. */
export const probe: Probe = processWide('probe.1', () => ({ logCall: undefined, served: undefined }))
