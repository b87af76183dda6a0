import { startFromEnvironment } from './configure'
import { knownNode, type LoggerNode } from './hierarchy'

/**
 * The node of a dotted name, or the nearest one above it that exists; it has the level and the appenders that a new one would inherit.
 *
 * For names that come with the events of other loggers: there may be any number of them, and a node is kept for ever. Like `getLogger`, it sets
 * the loggers up from the environment if nobody has done so yet.
 */
export function nearestNode(name: string): LoggerNode {
  startFromEnvironment()
  return knownNode(name)
}
