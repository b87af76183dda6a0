import { complain } from '../diagnostics'
import { SEVERITY, type Threshold } from '../event'
import { processWide } from '../internal/runtime'
import { levelOfEnvironment } from './environment'

/** One name in the hierarchy. `effective` is what the hot path reads: the severity below which a call does nothing. */
export interface LoggerNode {
  readonly name: string
  readonly parent: LoggerNode | undefined
  readonly children: Map<string, LoggerNode>
  own: Threshold | undefined
  effective: number
}

function node(name: string, parent: LoggerNode | undefined): LoggerNode {
  return { name, parent, children: new Map(), own: undefined, effective: parent?.effective ?? SEVERITY.info }
}

/** The root of all names; its level is that of the environment until `configure` is called. */
export const rootNode: LoggerNode = processWide('logger.root.1', () => {
  const root = node('', undefined)
  setLevel(root, forgivingLevelOfEnvironment())
  return root
})

/** The node of a dotted name, made with its ancestors if it is new. The empty name is the root. */
export function nodeOf(name: string): LoggerNode {
  let current = rootNode
  for (const part of name === '' ? [] : name.split('.')) {
    let child = current.children.get(part)
    if (child === undefined) {
      child = node(current === rootNode ? part : `${current.name}.${part}`, current)
      current.children.set(part, child)
    }
    current = child
  }
  return current
}

/** Gives a node a level of its own, or takes it away (undefined: inherited); its descendants follow at once. */
export function setLevel(target: LoggerNode, level: Threshold | undefined): void {
  target.own = level
  refresh(target)
}

function refresh(target: LoggerNode): void {
  target.effective = target.own === undefined ? (target.parent?.effective ?? SEVERITY.info) : SEVERITY[target.own]
  for (const child of target.children.values()) refresh(child)
}

/** Takes every logger's own level away, and gives the root `level`, by default that of the environment. */
export function resetLevels(level: Threshold = forgivingLevelOfEnvironment()): void {
  forget(rootNode)
  setLevel(rootNode, level)
}

function forget(target: LoggerNode): void {
  target.own = undefined
  for (const child of target.children.values()) forget(child)
}

/* For callers that nobody expects to throw, such as the loading of the package: a wrong word is told, and counts as `info`. */
function forgivingLevelOfEnvironment(): Threshold {
  try {
    return levelOfEnvironment()
  } catch (error) {
    complain('environment', (error as Error).message)
    return 'info'
  }
}
