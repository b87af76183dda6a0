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
  try {
    setLevel(root, levelOfEnvironment())
  } catch (error) {
    // This runs while the package loads, where nobody expects an exception.
    complain('environment', (error as Error).message)
  }
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

/** Takes every level away, so that all nodes are at info. */
export function resetLevels(target: LoggerNode = rootNode): void {
  target.own = undefined
  target.effective = target.parent?.effective ?? SEVERITY.info
  for (const child of target.children.values()) resetLevels(child)
}
