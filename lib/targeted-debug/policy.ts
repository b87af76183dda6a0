import { checkOptions } from '../internal/options'
import { processWide } from '../internal/runtime'

/** Who may turn a trace to another level. */
export interface TargetedDebugOptions {
  /**
   * The secret with which values of `tracelane-level` are signed (`signLevel`), or several of which each will do (while it is changed; the
   * first signs). Without it no signature is believed.
   * @default the environment's TRACELANE_LEVEL_SECRET, else none
   */
  readonly secret?: string | readonly string[]
}

interface Policy {
  secrets: readonly string[]
}

/** What holds in this process. */
export const targetedDebug: Policy = processWide('targeted-debug.1', () => resolve({}))

/** Checks the options that were given to `owner`; throws ERR_TRACELANE_OPTION_* with the cure. */
export function checkTargetedDebug(owner: string, value: unknown): asserts value is TargetedDebugOptions {
  checkOptions(owner, value, { secret: secretRule })
}

/** Sets who is believed; the options were checked. */
export function configureTargetedDebug(options: TargetedDebugOptions = {}): void {
  Object.assign(targetedDebug, resolve(options))
}

function resolve({ secret = process.env['TRACELANE_LEVEL_SECRET'] || [] }: TargetedDebugOptions): Policy {
  return { secrets: Object.freeze([secret].flat()) }
}

function secretRule(value: unknown): string | undefined {
  const all: readonly unknown[] = [value].flat()
  return all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')
    ? undefined
    : 'a text that is not empty, or a list of such'
}
