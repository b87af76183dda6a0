import { TracelaneError } from '../errors'
import { checkOptions, type Rule, rules } from '../internal/options'
import { DateFormatProblem, dateFormat } from './date-format'
import type { LayoutFunction } from './function-layout'
import { type PatternOptions, patternLayout } from './pattern/pattern-layout'
import type { PrettyOptions } from './pretty-layout'

/** The names of the layouts that need no options. */
export type LayoutName = 'json' | 'ecs' | 'otel' | 'pretty'

/** A layout with options, as data. */
export type LayoutSpec =
  | { readonly kind: 'json' | 'ecs' | 'otel' }
  | ({ readonly kind: 'pretty' } & PrettyOptions)
  | ({ readonly kind?: 'pattern' } & PatternOptions)

/**
 * How events become lines: a name, a layout with options as data (`{ pattern: '%d %-5level %msg%n' }`, `{ kind: 'pretty', traceId: 'full' }`),
 * or a function of the application, which cannot stand in a JSON file.
 */
export type LayoutOption = LayoutName | LayoutSpec | LayoutFunction

const NAMES: readonly LayoutName[] = ['json', 'ecs', 'otel', 'pretty']

const texts: Rule = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')
    ? undefined
    : 'an object of texts'

const KINDS: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  json: {},
  ecs: {},
  otel: {},
  pretty: { colors: rules.boolean, traceId: rules.oneOf('short', 'full', 'none'), timezone: rules.string },
  pattern: {
    pattern: rules.string,
    timezone: rules.string,
    properties: texts,
    colors: rules.boolean,
    controls: rules.oneOf('escape', 'keep'),
  },
}

/**
 * A frozen copy of `given`, the option `layout` of `owner`. Throws ERR_TRACELANE_OPTION_* for what is no layout, and for a pattern that
 * is wrong; words that need caller data are judged when the appender is made.
 */
export function checkLayout<Other extends string>(
  owner: string,
  given: LayoutOption | Other,
  others: readonly Other[] = [],
): LayoutOption | Other {
  if (typeof given === 'function') return given
  if (typeof given !== 'object' || given === null) return checkName(owner, given, others)
  const kind: string = given.kind ?? 'pattern'
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (known === undefined) checkName(owner, kind as LayoutName, ['pattern'])
  const name = `${owner}: layout`
  checkOptions(name, given, { ...known, kind: rules.oneOf(...Object.keys(KINDS)) }, kind === 'pattern' ? ['pattern'] : [])
  return Object.freeze(kind === 'pattern' ? checkPattern(given as PatternOptions) : checkPretty(owner, { ...given }))
}

function checkName<Name extends string>(owner: string, given: Name, others: readonly string[]): Name {
  checkOptions(owner, { layout: given }, { layout: rules.oneOf(...others, ...NAMES) })
  return given
}

/* Compiled once here, on the stack of whoever wrote it. */
function checkPattern({ properties = {}, ...given }: PatternOptions): LayoutSpec {
  const spec = { ...given, kind: 'pattern', properties: Object.freeze({ ...properties }) } as const
  patternLayout({ service: undefined, caller: true }, spec, false)
  return spec
}

function checkPretty(owner: string, spec: LayoutSpec): LayoutSpec {
  const { timezone } = spec as PrettyOptions
  if (timezone === undefined) return spec
  try {
    dateFormat('HH', timezone, 'en')
  } catch (error) {
    if (!(error instanceof DateFormatProblem)) throw error
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner}: 'layout' ${error.message}`)
  }
  return spec
}
