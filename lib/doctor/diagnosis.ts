import { workerThreads } from '../internal/builtin'
import { copies, thisFile } from '../internal/runtime'
import type { CallSite } from './call-sites'
import { copyFindings } from './copies'
import { type Finding, finding, sorted } from './finding'
import { neighbourFindings } from './neighbours'
import { nodeFindings } from './node-options'
import { loadedDoors, manifestAbove } from './packages'
import { trafficFindings } from './traffic'
import { type Seen, seenSoFar } from './watch'

/** Log calls, as far as they were watched. */
export interface LogCalls {
  readonly total: number
  /** Those without trace id: at the start, in the background, or because it was lost. */
  readonly untraced: number
  /** Those in `detach`, which are meant to have none. */
  readonly detached: number
  /** By place, in the order of the place; at most 1,000. */
  readonly sites: readonly CallSite[]
  /** The calls of further places. */
  readonly elsewhere: number
}

/** Requests of Node's HTTP servers, as far as they were watched. */
export interface RequestCount {
  readonly total: number
  readonly traced: number
}

/** What the doctor says. It is plain data and does not change any more. */
export interface Diagnosis {
  readonly node: string
  /** The version of tracelane; undefined in a bundle. */
  readonly version: string | undefined
  readonly pid: number
  /** 0 in the main thread. */
  readonly threadId: number
  /** Whether anything of tracelane but the doctor is loaded here. */
  readonly used: boolean
  /** Worst first; always in the same order. */
  readonly findings: readonly Finding[]
  /** Undefined if nobody has watched. */
  readonly logCalls: LogCalls | undefined
  /** Undefined if nobody has watched. */
  readonly requests: RequestCount | undefined
}

/**
 * Examines this thread of the process, now: copies of tracelane, Node.js and its flags, peers and other tracers, and what was seen since
 * `watch()` or `node --import tracelane/doctor`. It reads package.json files synchronously and changes nothing. Never throws.
 */
export function diagnose(): Diagnosis {
  const seen = seenSoFar()
  const { threadId, isMainThread } = workerThreads()
  const used = loadedDoors().size > 0 || copies.size > 1 || (seen !== undefined && hasTraffic(seen))
  const findings = [
    ...copyFindings(seen?.realms ?? 0),
    // Flags are those of the process, which the main thread tells.
    ...(isMainThread ? nodeFindings(seen?.promiseHooks ?? false) : []),
    ...neighbourFindings(),
    ...(seen === undefined ? [] : trafficFindings(seen)),
    ...(used || seen?.realms ? [] : [NOT_USED]),
  ]
  return Object.freeze({
    node: process.version,
    version: manifestAbove(thisFile)?.version,
    pid: process.pid,
    threadId,
    used,
    findings: Object.freeze(sorted(findings)),
    logCalls: seen && logCallsOf(seen),
    requests: seen && { total: seen.requests.started, traced: seen.requests.traced },
  })
}

const NOT_USED = finding('NOT_USED', {
  message: 'Nothing of tracelane but the doctor was loaded.',
  cure: 'Run the doctor on the program that serves, and put tracelane into it; see docs/guides/express.md.',
})

function hasTraffic({ sites, requests }: Seen): boolean {
  return sites.total > 0 || requests.traced > 0
}

function logCallsOf({ sites }: Seen): LogCalls {
  return Object.freeze({
    total: sites.total,
    untraced: sites.untraced,
    detached: sites.detached,
    sites: Object.freeze(sites.sites()),
    elsewhere: sites.elsewhere,
  })
}
