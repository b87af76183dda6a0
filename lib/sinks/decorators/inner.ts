import { isDeepStrictEqual } from 'node:util'
import { destinationOf } from '../destination'
import { checkOneForm } from '../line-form'
import { readSink, sinkRule } from '../read-sink'
import type { SinkSpec } from '../sink'
import { checkOneMode } from './sending'
import { isNetworkSink, leavesOf, spools, triesForEver } from './structure'
import { wrong } from './wrong'

/** The one sink below the decorator `owner`, checked. Throws ERR_TRACELANE_OPTION_*. */
export function readInner(owner: string, given: SinkSpec): SinkSpec {
  const expected = sinkRule(given)
  if (expected !== undefined) throw wrong(`${owner} needs ${expected}`)
  return readSink(given)
}

/** The sinks below the decorator `owner`, two or more, checked also against each other. Throws ERR_TRACELANE_OPTION_*. */
export function readInners(owner: string, given: readonly SinkSpec[]): readonly SinkSpec[] {
  if (!Array.isArray(given) || given.length < 2) throw wrong(`${owner} needs a list of two sinks or more`)
  const sinks = given.map((one) => readInner(owner, one))
  checkApart(owner, sinks)
  if (sinks.some(spools))
    throw wrong(`${owner} cannot have a 'spooling' in it, which takes everything: put the spooling around it`)
  checkOneForm(owner, sinks)
  checkOneMode(owner, sinks)
  return Object.freeze(sinks)
}

/** Throws ERR_TRACELANE_OPTION_INVALID if two of `sinks` are one and the same, or write to one file or stream. */
export function checkApart(owner: string, sinks: readonly SinkSpec[]): void {
  sinks.forEach((sink, i) => {
    const twin = sinks.slice(i + 1).find((other) => isSame(sink, other))
    if (twin !== undefined) throw wrong(`${owner} has two sinks for ${destinationOf(twin)}: take one of them out`)
  })
}

function isSame(one: SinkSpec, other: SinkSpec): boolean {
  const local = (spec: SinkSpec): string[] => leavesOf(spec).flatMap((leaf) => (isNetworkSink(leaf) ? [] : [destinationOf(leaf)]))
  return isDeepStrictEqual(one, other) || local(one).some((name) => local(other).includes(name))
}

/** Throws ERR_TRACELANE_OPTION_INVALID if `sink` tries for ever, so that `owner` would never get anything back. */
export function checkGivesBack(owner: string, sink: SinkSpec): void {
  if (!triesForEver(sink)) return
  throw wrong(`${owner}: the 'retrying' in it never gives up, so ${owner} would never act: give that 'attempts' or 'deadlineMs'`)
}
