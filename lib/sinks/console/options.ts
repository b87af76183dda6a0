import { checkOptions, rules } from '../../internal/options'

/** Options of `consoleSink`. */
export interface ConsoleSinkOptions {
  /**
   * Where lines go.
   * @default 'stdout'
   */
  readonly stream?: 'stdout' | 'stderr'
  /**
   * `pretty` for people, `json` for programs; `auto` is pretty on a terminal and JSON elsewhere.
   * @default 'auto'
   */
  readonly layout?: 'auto' | 'pretty' | 'json'
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
    layout: rules.oneOf('auto', 'pretty', 'json'),
  })
  const { stream = 'stdout', layout = 'auto' } = options
  return Object.freeze({ kind: 'console', options: Object.freeze({ stream, layout }) })
}
