import type { Level } from '../../event'
import { levelOfName } from '../level-names'
import type { WinstonLike } from './winston-like'

type Ranks = Readonly<Record<string, number>>

/** The level of winston's for one of ours; syslog's levels say `warning`. */
export function nearestLevel({ levels }: Pick<WinstonLike, 'levels'>, level: Level): string {
  if (Object.hasOwn(levels, level)) return level
  return Object.hasOwn(levels, 'warning') && level === 'warn' ? 'warning' : 'info'
}

/**
 * Our level for one of winston's: by its name if npm's, syslog's or cli's levels have it, else that of the next less severe level which
 * has such a name, else that of the next more severe one. In `ranks` 0 is the most severe.
 */
export function levelOf(name: string, ranks: Ranks): Level {
  const known = levelOfName(name)
  if (known !== undefined) return known
  const rank = ranks[name]
  if (rank === undefined) return 'info'
  const named = Object.keys(ranks)
    .filter((other) => levelOfName(other) !== undefined)
    .sort((a, b) => (ranks[a] as number) - (ranks[b] as number))
  const nearest = named.find((other) => (ranks[other] as number) >= rank) ?? named.at(-1)
  return (nearest === undefined ? undefined : levelOfName(nearest)) ?? 'info'
}
