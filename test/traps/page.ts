import { GRPC_TRAPS, type GrpcTrap } from './grpc'
import { GROUPS } from './table'
import { expectedOn, NODE_LINES, type Trap } from './trap'

/** The page that is made from the table, in the project. */
export const PAGE = 'docs/reference/context-traps.md'

const INTRODUCTION = `# Where the context is lost, and what helps

Made by \`npm run docs:traps\` from the expectations in \`test/traps\`, which are measured on Node.js ${NODE_LINES.join(', ')}; do not edit it here.
Which helper to use when: [guides/context-traps.md](../guides/context-traps.md).

Two requests run interleaved. _Without change_ is user code as it is, inside \`runWithTrace\`; _with the cure_ is the same code with what the
column names.

${markdown(
  ['word', 'means'],
  [
    ['ok', 'the trace of the request that it belongs to'],
    ['lost', 'no trace'],
    ['wrong', "another request's trace, or one where there should be none"],
    ['pinned', 'the trace is right, but the request stays in memory as long as the flow'],
  ],
)}`

const GRPC = `## @grpc/grpc-js: every event of the four types of call

Calls of several flows share one HTTP/2 session, and events run in the flow that opened it. _Without change_: the client without an
interceptor; the server with one that calls \`runWithTrace\` around \`onReceiveMetadata\`. Alike on Node.js ${NODE_LINES.join(', ')}.
`

/** The page's text. */
export function renderPage(): string {
  const sections = GROUPS.map(({ title, traps }) => `## ${title}\n\n${table(traps)}`)
  return `${[INTRODUCTION, summary(), ...sections, `${GRPC}\n${grpcTable()}`].join('\n')}`
}

function summary(): string {
  const plain = [
    ...GROUPS.flatMap(({ traps }) => traps.map((trap) => NODE_LINES.map((line) => expectedOn(trap, line)))),
    ...GRPC_TRAPS.flatMap(({ plain }) => Object.values(plain).map((outcome) => NODE_LINES.map(() => outcome))),
  ]
  const counts = NODE_LINES.map((line, i) => {
    const bad = plain.filter((outcomes) => outcomes[i] !== 'ok').length
    return `${bad} on Node.js ${line}`
  })
  return `${plain.length} situations. Not ok without change: ${counts.join(', ')}. With the cure: none.\n`
}

function table(traps: readonly Trap[]): string {
  const rows = traps.map((trap) => {
    const outcomes = NODE_LINES.map((line) => expectedOn(trap, line))
    return [trap.name, ...outcomes, trap.cure ?? 'nothing needed', 'ok']
  })
  return markdown(['situation', ...NODE_LINES.map((line) => `Node ${line}`), 'cure', 'with the cure'], rows)
}

function grpcTable(): string {
  const rows = GRPC_TRAPS.flatMap((trap) => [
    ...eventRows(trap, (outcome) => outcome === 'ok', 'nothing needed'),
    ...eventRows(trap, (outcome) => outcome !== 'ok', `\`trace${trap.side === 'client' ? 'Client' : 'Server'}Interceptor\``),
  ])
  return markdown(['side', 'call', 'events', 'without change', 'cure', 'with the cure'], rows)
}

/* One row for all events of a call that fare alike. */
function eventRows({ side, type, plain }: GrpcTrap, which: (outcome: string) => boolean, cure: string): string[][] {
  const events = Object.entries(plain).filter(([, outcome]) => which(outcome))
  if (events.length === 0) return []
  return [[side, type, events.map(([event]) => `\`${event}\``).join(', '), events[0]?.[1] ?? '', cure, 'ok']]
}

/* With padded cells, as the formatter of this repository wants it. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((cells) => cells[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |\n`
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('')
}
