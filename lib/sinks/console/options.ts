import { checkOptions, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'

/** Options of `consoleSink`. */
export interface ConsoleSinkOptions {
  /**
   * Where lines go.
   * @default 'stdout'
   */
  readonly stream?: 'stdout' | 'stderr'
  /**
   * How events become lines (docs/reference/layouts.md); `auto` is `pretty` on a terminal and `json` elsewhere.
   * @default 'auto'
   */
  readonly layout?: 'auto' | LayoutOption
}

/** `consoleSink(...)` as data. */
export interface ConsoleSinkSpec {
  readonly kind: 'console'
  readonly options: Required<ConsoleSinkOptions>
}

/**
 * Lines to stdout or stderr, for terminals, containers and process managers.
 *
 * A reader that is slow or stuck stops the flush thread only, not the application. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function consoleSink(options: ConsoleSinkOptions = {}): ConsoleSinkSpec {
  checkOptions('consoleSink', options, {
    stream: rules.oneOf('stdout', 'stderr'),
    layout: () => undefined,
  })
  const { stream = 'stdout', layout = 'auto' } = options
  const checked = checkLayout('consoleSink', layout, ['auto'])
  return Object.freeze({ kind: 'console', options: Object.freeze({ stream, layout: checked }) })
}
