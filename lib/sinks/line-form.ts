import { isDeepStrictEqual } from 'node:util'
import type { LayoutOption } from '../layout'
import { consoleStreams } from './console'
import { isDecorated, leavesOf, withInnerSinks } from './decorators'
import { wrong } from './decorators/wrong'
import { destinationOf } from './destination'
import type { LeafSinkSpec, SinkSpec } from './sink'

/** How the lines of a sink are made. All sinks below one decorator share a queue, so they get one and the same line. */
export interface LineForm {
  /** `auto`: there are only consoles, which want `pretty` on a terminal and `json` elsewhere. */
  readonly layout: 'auto' | LayoutOption
  /** Whether lines carry `hlc`, `seq` and `instance`. */
  readonly ordering: boolean
  /** The descriptors, if there are only consoles. */
  readonly streams: readonly number[]
}

/** The form of the lines of `spec`. A console of the layout `auto` takes what the sinks beside it want. */
export function lineFormOf(spec: SinkSpec): LineForm {
  const leaves = leavesOf(spec)
  const consoles = leaves.flatMap((leaf) => (leaf.kind === 'console' ? [leaf] : []))
  return {
    layout: leaves.map(layoutOf).find((layout) => layout !== 'auto') ?? 'auto',
    ordering: leaves.some((leaf) => leaf.kind !== 'console' && leaf.options.ordering),
    streams: consoles.length === leaves.length ? consoles.flatMap(({ options }) => consoleStreams(options)) : [],
  }
}

/**
 * `spec` for the flush thread, which gets finished lines. A layout may be a function of the application, and functions do not cross
 * threads.
 */
export function withoutLayout(spec: SinkSpec): SinkSpec {
  if (isDecorated(spec)) return withInnerSinks(spec, withoutLayout)
  return { ...spec, options: { ...spec.options, layout: 'json' } } as SinkSpec
}

/** Throws ERR_TRACELANE_OPTION_INVALID if `sinks`, which are below the decorator `owner`, do not all want the same lines. */
export function checkOneForm(owner: string, sinks: readonly SinkSpec[]): void {
  const leaves = sinks.flatMap(leavesOf)
  const withLayout = leaves.filter((leaf) => layoutOf(leaf) !== 'auto')
  const other = withLayout.find((leaf) => !isDeepStrictEqual(layoutOf(leaf), layoutOf(withLayout[0] as LeafSinkSpec)))
  if (other !== undefined) throw twoForms(owner, 'layout', withLayout[0] as SinkSpec, other)
  const ordered = leaves.flatMap((leaf) => (leaf.kind === 'console' ? [] : [leaf]))
  const unlike = ordered.find((leaf) => leaf.options.ordering !== ordered[0]?.options.ordering)
  if (unlike !== undefined) throw twoForms(owner, 'ordering', ordered[0] as SinkSpec, unlike)
}

/** Throws ERR_TRACELANE_OPTION_INVALID if the lines of `sinks` are no JSON that `owner`, which asks for what is in them, could read. */
export function checkReadable(owner: string, sinks: readonly SinkSpec[]): void {
  const other = sinks.flatMap(leavesOf).find((leaf) => layoutOf(leaf) !== 'json')
  // A console beside other sinks takes their layout.
  if (other === undefined || (layoutOf(other) === 'auto' && sinks.some((sink) => lineFormOf(sink).layout === 'json'))) return
  throw wrong(
    `${owner} asks for a logger or fields, which can be read in JSON lines only: give ${destinationOf(other)} the option layout: 'json'`,
  )
}

function layoutOf({ options }: LeafSinkSpec): 'auto' | LayoutOption {
  // What says in its own form what lines say reads the JSON ones.
  const layout = 'layout' in options ? options.layout : 'json'
  return typeof layout === 'object' && layout.kind === 'json' ? 'json' : layout
}

function twoForms(owner: string, option: string, one: SinkSpec, other: SinkSpec): Error {
  return wrong(
    `${owner}: all its sinks get one and the same line, so ${destinationOf(one)} and ${destinationOf(other)} need the same '${option}'; or put them side by side in 'sinks', where each has lines of its own`,
  )
}
