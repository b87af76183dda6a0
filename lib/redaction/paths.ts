import { TracelaneError } from '../errors'

/** Where in a value the writer is, in relation to the paths that are secret. Undefined: none of them leads through here. */
export interface PathNode {
  /** What is here is secret. */
  readonly secret: boolean
  readonly children: ReadonlyMap<string, PathNode>
  /** For every key that has no child of its own. */
  readonly others: PathNode | undefined
}

const ANY = '*'
/* `name`, `[0]`, `[*]`, `["any text"]` or `['any text']`. */
const STEP = /\.?([^.[\]'"\s]+)|\[(\d+|\*)\]|\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/y

/**
 * The steps of a path such as `user.card.number`, `items[*].secret` or `req.headers["x-key"]`; `*` stands for each key and each item.
 * Throws ERR_TRACELANE_OPTION_INVALID for a text that is none.
 */
export function stepsOf(path: string): readonly string[] {
  const steps: string[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const from = STEP.lastIndex
    const [text, name, index, quoted] = STEP.exec(path) ?? []
    // A dot stands before each name but the first.
    const needsDot = name !== undefined && from > 0
    if (text === undefined || text.startsWith('.') !== needsDot) throw invalid(path)
    steps.push(name ?? index ?? unquoted(quoted as string))
  }
  if (steps.length === 0) throw invalid(path)
  return steps
}

/** The paths as a tree that is walked one key at a time: no path is looked at again, however many there are. */
export function compilePaths(paths: readonly string[]): PathNode | undefined {
  return nodeOf(paths.map(stepsOf))
}

/* A key's own child knows what `*` says of it too, so that the walk never has to follow two ways. */
function nodeOf(rests: readonly (readonly string[])[]): PathNode | undefined {
  if (rests.length === 0) return undefined
  const names = new Set(rests.flatMap(([first]) => (first === undefined || first === ANY ? [] : [first])))
  const under = (...firsts: readonly string[]): PathNode | undefined =>
    nodeOf(rests.filter(([first]) => first !== undefined && firsts.includes(first)).map((steps) => steps.slice(1)))
  const children = new Map([...names].map((name) => [name, under(name, ANY) as PathNode]))
  return { secret: rests.some((steps) => steps.length === 0), children, others: under(ANY) }
}

/** The node of `key` below `node`. */
export function childNode(node: PathNode | undefined, key: string): PathNode | undefined {
  return node === undefined ? undefined : (node.children.get(key) ?? node.others)
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, '$1')
}

function invalid(path: string): TracelaneError {
  const forms = "user.card.number, items[*].secret or headers['x-key']"
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `redaction: '${path}' is no path; write ${forms}`)
}
