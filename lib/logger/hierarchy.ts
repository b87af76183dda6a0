import { complain } from '../diagnostics'
import { SEVERITY, type Threshold } from '../event'
import { processWide } from '../internal/runtime'
import { levelOfEnvironment, levelsOfEnvironment } from './environment'
import type { NamedAppender } from './named-appender'

/*
 * Levels and appenders go different ways through the tree, as in logback:
 *
 *   effective   the own level of the node, else that of the nearest ancestor that has one: it alone decides whether an event is made
 *   routes      the appenders of the node, then of its parent, and so on up to the root or a node that is not additive;
 *               the levels of those ancestors are not asked
 */

/** One name in the hierarchy. */
export interface LoggerNode {
  /** The dotted name; `ROOT` for the root. */
  readonly name: string
  readonly parent: LoggerNode | undefined
  readonly children: Map<string, LoggerNode>
  own: Threshold | undefined
  /** What the hot path reads: the severity below which a call does nothing. */
  effective: number
  /** Those attached to this very node, in order. */
  appenders: readonly NamedAppender[]
  /** Whether events go on to the appenders of the parent. */
  additive: boolean
  /** Where an event of this node goes, in order; undefined until it is asked for after a change. */
  routes: Routes | undefined
}

/** The appenders that an event of one node goes to. */
export interface Routes {
  readonly appenders: readonly NamedAppender[]
  /** The least severity that any of them takes; Infinity without any. */
  readonly lowest: number
  /** Whether any of them asks where in the source the call is. */
  readonly caller: boolean
  /** Whether any of them has filters. */
  readonly filtering: boolean
}

/** The name of the root; `nodeOf` takes it in any case, as logback does. */
export const ROOT_NAME = 'ROOT'

function node(name: string, parent: LoggerNode | undefined): LoggerNode {
  return {
    name,
    parent,
    children: new Map(),
    own: undefined,
    effective: parent?.effective ?? SEVERITY.info,
    appenders: [],
    additive: true,
    routes: undefined,
  }
}

/** The root of all names. */
export const rootNode: LoggerNode = processWide('logger.root.1', () => node(ROOT_NAME, undefined))

const nodes = processWide('logger.nodes.1', () => new Map([['', rootNode]]))

/** The node of a dotted name, made with its ancestors if it is new. The empty name and `root` in any case are the root. */
export function nodeOf(name: string): LoggerNode {
  const known = nodes.get(name)
  if (known !== undefined) return known
  let current = rootNode
  for (const part of name.length === ROOT_NAME.length && name.toUpperCase() === ROOT_NAME ? [] : name.split('.')) {
    let child = current.children.get(part)
    if (child === undefined) {
      child = node(current === rootNode ? part : `${current.name}.${part}`, current)
      current.children.set(part, child)
    }
    current = child
  }
  nodes.set(name, current)
  return current
}

/** Gives a node a level of its own, or takes it away (undefined: inherited, for the root info); its descendants follow at once. */
export function setNodeLevel(target: LoggerNode, level: Threshold | undefined): void {
  target.own = level
  refresh(target)
}

function refresh(target: LoggerNode): void {
  target.effective = target.own === undefined ? (target.parent?.effective ?? SEVERITY.info) : SEVERITY[target.own]
  for (const child of target.children.values()) refresh(child)
}

/** Attaches exactly `appenders` to a node; without `additive`, its events and those below it go no higher. */
export function attachAppenders(target: LoggerNode, appenders: readonly NamedAppender[], additive = true): void {
  target.appenders = appenders
  target.additive = additive
  forgetRoutes(target)
}

function forgetRoutes(target: LoggerNode): void {
  target.routes = undefined
  for (const child of target.children.values()) forgetRoutes(child)
}

/** Where an event of `target` goes; computed once after each change. */
export function routesOf(target: LoggerNode): Routes {
  if (target.routes !== undefined) return target.routes
  const appenders: NamedAppender[] = []
  for (let at: LoggerNode | undefined = target; at !== undefined; at = at.additive ? at.parent : undefined) {
    appenders.push(...at.appenders)
  }
  const lowest = Math.min(...appenders.map(({ threshold }) => threshold))
  const caller = appenders.some((one) => one.caller)
  target.routes = { appenders, lowest, caller, filtering: appenders.some(({ filtering }) => filtering) }
  return target.routes
}

/** Takes all levels and appenders away. */
export function clearHierarchy(): void {
  for (const each of allNodes()) {
    each.own = undefined
    each.appenders = []
    each.additive = true
  }
  refresh(rootNode)
  forgetRoutes(rootNode)
}

/** Gives the nodes the levels that the environment has for them. A level that does not exist is told, and counts as none. */
export function takeLevelsOfEnvironment(): void {
  try {
    setNodeLevel(rootNode, levelOfEnvironment())
    for (const [name, level] of Object.entries(levelsOfEnvironment())) setNodeLevel(nodeOf(name), level)
  } catch (error) {
    complain('environment', (error as Error).message)
  }
}

processWide('logger.levels.1', takeLevelsOfEnvironment)

/** Every node that has been named so far, parents before their children. */
export function allNodes(): LoggerNode[] {
  const all: LoggerNode[] = [rootNode]
  for (let i = 0; i < all.length; i++) all.push(...(all[i] as LoggerNode).children.values())
  return all
}

/** The node of a dotted name, or the nearest one above it that exists: an event's name that comes from elsewhere adds none. */
export function knownNode(name: string): LoggerNode {
  let current = rootNode
  for (const part of name.split('.')) {
    const child = current.children.get(part)
    if (child === undefined) break
    current = child
  }
  return current
}
