import { complain } from '../diagnostics'
import { SEVERITY } from '../event'
import { destinationOf } from '../sinks'
import { type LoggerNode, nodeOf, rootNode, routesOf } from './hierarchy'
import { ROOT_APPENDER } from './output'
import type { Plan } from './plan'

/**
 * Says on stderr, in one sentence each, where a line would reach one sink twice and which loggers reach none, among those that `plan`,
 * which has been applied, mentions. A logger whose level is off has no lines.
 */
export function tellOfRoutes({ loggers }: Plan): void {
  const mentioned = new Set([...loggers.keys()].map(nodeOf))
  const silent = new Set<LoggerNode>()
  const told: string[] = []
  for (const node of mentioned) {
    if (node.effective >= SEVERITY.off) continue
    told.push(...doublesOf(node))
    if (routesOf(node).lowest < SEVERITY.off || inheritsFrom(node, silent)) continue
    silent.add(node)
    told.push(`the lines of ${labelOf(node)} reach no sink: attach an appender, or set its level to 'off'`)
  }
  if (told.length > 0) complain('configure', told.join('; '))
}

function inheritsFrom(node: LoggerNode, silent: ReadonlySet<LoggerNode>): boolean {
  if (!node.additive || node.appenders.length > 0) return false
  for (let at = node.parent; at !== undefined; at = at.parent) if (silent.has(at)) return true
  return false
}

/* What a logger only inherits is told for the one that it inherits it from. */
function doublesOf(node: LoggerNode): string[] {
  const own = new Set(node.appenders)
  const by = new Map<string, { readonly names: string[]; own: boolean }>()
  for (const appender of routesOf(node).appenders) {
    if (appender.threshold >= SEVERITY.off) continue
    const { name, sinks } = appender.definition
    for (const sink of sinks) {
      const at = by.get(destinationOf(sink)) ?? { names: [], own: false }
      at.names.push(name === ROOT_APPENDER ? "the option 'sinks'" : `appender '${name}'`)
      at.own ||= own.has(appender)
      by.set(destinationOf(sink), at)
    }
  }
  return [...by].flatMap(([destination, { names, own }]) =>
    own && names.length > 1
      ? [`a line of ${labelOf(node)} reaches ${destination} ${names.length} times: by ${listed(names)}`]
      : [],
  )
}

function listed(names: readonly string[]): string {
  const counted = [...new Set(names)].map((name) => {
    const times = names.filter((other) => other === name).length
    return times === 1 ? name : `${name} (${times} times)`
  })
  return counted.join(' and ')
}

function labelOf(node: LoggerNode): string {
  return node === rootNode ? 'the root logger' : `logger '${node.name}'`
}
