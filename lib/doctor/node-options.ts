import { type Finding, finding } from './finding'
import { isBelow } from './packages'

const FRAME = /^--(no-|experimental-)?async-context-frame$/
const FRAMES_BY_DEFAULT_SINCE = 24

interface Flag {
  readonly flag: string
  readonly from: string
}

/** What of this process's Node.js, its flags and its environment disturbs or slows the trace; `hooks`: promises are watched by somebody. */
export function nodeFindings(hooks: boolean): readonly Finding[] {
  const flags = flagsOf()
  const frame = flags.findLast(({ flag }) => FRAME.test(flag))
  return [...versionFindings(), ...frameFindings(frame), ...frozenFindings(flags), ...hookFindings(frame, hooks)]
}

/* NODE_OPTIONS come before the flags of the command line, which win. */
function flagsOf(): readonly Flag[] {
  const inherited = (process.env['NODE_OPTIONS'] ?? '').split(/\s+/).filter(Boolean)
  return [
    ...inherited.map((flag) => ({ flag, from: 'NODE_OPTIONS' })),
    ...process.execArgv.map((flag) => ({ flag, from: 'the command line' })),
  ]
}

function versionFindings(): Finding[] {
  if (!isBelow(process.version, '>=20.19')) return []
  return [
    finding('NODE_TOO_OLD', {
      message: `This is Node.js ${process.version}; tracelane needs 20.19 or later.`,
      cure: 'Install a supported line of Node.js.',
    }),
  ]
}

function major(): number {
  return Number(/^v(\d+)/.exec(process.version)?.[1])
}

/* Whether AsyncLocalStorage goes without async_hooks. The flag that a line of Node does not know stops it before anything is loaded. */
function hasFrames(frame: Flag | undefined): boolean {
  if (frame === undefined) return major() >= FRAMES_BY_DEFAULT_SINCE
  return !frame.flag.startsWith('--no-')
}

function frameFindings(frame: Flag | undefined): Finding[] {
  if (frame === undefined) return []
  if (!hasFrames(frame)) {
    return [
      finding('CONTEXT_FRAME_OFF', {
        message: `${frame.flag} (from ${frame.from}) turns AsyncContextFrame off, so each await and each promise of the process costs more, as on Node.js 22 and before.`,
        cure: `Remove ${frame.flag}, unless a library of yours needs it.`,
      }),
    ]
  }
  if (!frame.flag.startsWith('--experimental-')) return []
  return [
    finding('CONTEXT_FRAME_EXPERIMENTAL', {
      message: `${frame.flag} (from ${frame.from}) makes each await cheaper, but is experimental on this line of Node.js, and unknown to later ones, which do not start with it.`,
      cure: 'Use Node.js 24 or later, where it is the default, and remove the flag.',
    }),
  ]
}

function frozenFindings(flags: readonly Flag[]): Finding[] {
  const frozen = flags.find(({ flag }) => flag === '--frozen-intrinsics')
  if (frozen === undefined) return []
  return [
    finding('FROZEN_INTRINSICS', {
      message: `--frozen-intrinsics (from ${frozen.from}) freezes the console, so traceConsole() throws, and the doctor sees ten frames of a stack only.`,
      cure: 'Use getLogger, or the adapter of another logger, in place of traceConsole.',
    }),
  ]
}

function hookFindings(frame: Flag | undefined, hooks: boolean): Finding[] {
  const found: Finding[] = []
  // Without AsyncContextFrame each AsyncLocalStorage uses these hooks itself.
  if (hooks && hasFrames(frame)) {
    found.push(
      finding('PROMISE_HOOKS', {
        message: 'Something in this process uses async_hooks.createHook, which makes each await and each promise cost more.',
        cure: 'Look for monitoring agents, cls-hooked and long-stack-trace tools, and use forms of them that need AsyncLocalStorage only.',
      }),
    )
  }
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList ?? []
  if (loaded.includes('NativeModule domain')) {
    found.push(
      finding('DOMAIN_LOADED', {
        message: 'The deprecated module node:domain is loaded; a domain that is entered watches every promise by async_hooks.',
        cure: 'Look for who requires it, and handle errors by promises and process events.',
      }),
    )
  }
  return found
}
