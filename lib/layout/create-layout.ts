import { ecsLayout } from './ecs-layout'
import { functionLayout } from './function-layout'
import { jsonLayout } from './json-layout'
import type { Layout, Origin } from './layout'
import type { LayoutOption, LayoutSpec } from './options'
import { otelLayout } from './otel-layout'
import { patternLayout } from './pattern/pattern-layout'
import { prettyLayout } from './pretty-layout'
import { redactingLayout } from './redacting-layout'

/** What a layout has to know of the sink that it is for. */
export interface Destination {
  /** Whether lines carry what sorts them causally and names them for ever. */
  readonly ordering: boolean
  /** Whether people read there, on a screen that can show colours. */
  readonly terminal: boolean
}

/**
 * The layout that `option`, which `checkLayout` has let through, describes. Throws ERR_TRACELANE_OPTION_INVALID for a pattern that needs
 * caller data of an origin without them.
 */
export function createLayout(option: LayoutOption, origin: Origin, { ordering, terminal }: Destination): Layout {
  if (typeof option === 'function') return redactingLayout(functionLayout(origin, option), origin)
  const spec: LayoutSpec = typeof option === 'string' ? { kind: option } : option
  const layout = describedLayout(spec, origin, { ordering, terminal })
  // The JSON layout takes secrets out while it writes.
  return spec.kind === 'json' ? layout : redactingLayout(layout, origin)
}

function describedLayout(spec: LayoutSpec, origin: Origin, { ordering, terminal }: Destination): Layout {
  switch (spec.kind) {
    case 'ecs':
      return ecsLayout(origin, ordering)
    case 'otel':
      return otelLayout(origin, ordering)
    case 'pretty':
      return prettyLayout(origin, spec.colors ?? wantsColors(terminal), spec)
    case 'json':
      return jsonLayout(origin, ordering)
    default:
      return patternLayout(origin, spec, spec.colors ?? wantsColors(terminal))
  }
}

/* As Node's own `tty` module has it: FORCE_COLOR first, then NO_COLOR (no-color.org: any text that is not empty). */
function wantsColors(terminal: boolean): boolean {
  const forced = process.env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return terminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
}
