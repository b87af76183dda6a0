import { dirname } from 'node:path'
import { copies } from '../internal/runtime'
import { counted, type Finding, finding } from './finding'
import { manifestAbove } from './packages'

const RUNTIME = /^tracelane\.runtime\.v(\d+)$/
const SLOT = /^(.*)\.(\d+)$/

/** Copies of the kit in this process that are too many, or too different; `otherRealms` is how many other realms have one. */
export function copyFindings(otherRealms: number): readonly Finding[] {
  return [...runtimeFindings(), ...slotFindings(), ...duplicateFindings(), ...reloadFindings(), ...realmFindings(otherRealms)]
}

function symbols(): readonly (readonly [number, unknown])[] {
  return Object.getOwnPropertySymbols(globalThis).flatMap((symbol) => {
    const version = RUNTIME.exec(symbol.description ?? '')?.[1]
    return version === undefined ? [] : [[Number(version), (globalThis as Record<symbol, unknown>)[symbol]] as const]
  })
}

function slotsOf(runtime: unknown): { keys(): Iterable<string> } | undefined {
  const slots = (runtime as { slots?: { get?: unknown; keys(): Iterable<string> } } | null)?.slots
  return typeof slots?.get === 'function' ? slots : undefined
}

function runtimeFindings(): Finding[] {
  const found = symbols()
  const foreign = found.some(([version, runtime]) => version === 1 && slotsOf(runtime) === undefined)
  const mixed = found.filter(([version]) => version !== 1).map(([version]) => `v${version}`)
  return [
    ...(foreign
      ? [
          finding('RUNTIME_FOREIGN', {
            message:
              "Something that is not tracelane stands under Symbol.for('tracelane.runtime.v1'), so each copy of tracelane keeps traces of its own.",
            cure: 'Find what sets that symbol on globalThis, a stub of a test perhaps, and remove it.',
          }),
        ]
      : []),
    ...(mixed.length > 0 ? [mixedFinding(`the runtimes v1 and ${mixed.sort().join(', ')}`)] : []),
  ]
}

/* A slot's name ends with the version of the value in it: two of one name are two copies that share nothing there. */
function slotFindings(): Finding[] {
  const versions = new Map<string, string[]>()
  for (const [, runtime] of symbols()) {
    for (const key of slotsOf(runtime)?.keys() ?? []) {
      const [, name = key, version = ''] = SLOT.exec(key) ?? []
      versions.set(name, [...(versions.get(name) ?? []), version])
    }
  }
  const apart = [...versions].filter(([name, of]) => of.length > 1 && name === 'storage').map(([, of]) => of.sort().join(' and '))
  return apart.map((of) => mixedFinding(`storages of the versions ${of}`))
}

function mixedFinding(what: string): Finding {
  return finding('RUNTIME_MIXED', {
    message: `Versions of tracelane that cannot share a trace are loaded together: ${what}.`,
    cure: 'Bring all of them to one version: npm ls tracelane, then npm dedupe or an override.',
  })
}

function duplicateFindings(): Finding[] {
  if (copies.size < 2) return []
  const places = [...copies.keys()].sort().map((file) => ({ file, version: manifestAbove(file)?.version }))
  const list = places.map(({ file, version }) => `${version ?? 'an unknown version'} in ${dirname(file)}`).join('; ')
  const versions = new Set(places.map(({ version }) => version))
  const differ = versions.size > 1
  return [
    finding(differ ? 'COPIES_DIFFER' : 'COPIES', {
      message: differ
        ? `${copies.size} copies of tracelane of different versions are loaded: ${list}. They share traces, but each behaves as its own version does.`
        : `${copies.size} copies of tracelane are loaded: ${list}. They share one runtime, so no trace is lost; they only take memory and time.`,
      cure: 'Run npm ls tracelane to see who brings them, then npm dedupe or an override; leave tracelane out of bundles that run beside it.',
      count: copies.size,
    }),
  ]
}

function reloadFindings(): Finding[] {
  return [...copies]
    .filter(([, times]) => times > 1)
    .map(([file, times]) =>
      finding('COPY_RELOADED', {
        message: `tracelane was loaded ${times} times from one file, which happens when modules are reset. The copies share one runtime, so no trace is lost.`,
        cure: 'Nothing, if tests do it; in an application, find what clears the module cache.',
        where: dirname(file),
        count: times,
      }),
    )
}

function realmFindings(count: number): Finding[] {
  if (count === 0) return []
  return [
    finding('REALMS', {
      message: `tracelane was loaded in ${counted(count, 'other realm')} (node:vm, as Jest does for each test file). Each has traces of its own, which the doctor does not see.`,
      cure: 'Nothing, if a test runner does it; otherwise load tracelane once, outside node:vm.',
      count,
    }),
  ]
}
