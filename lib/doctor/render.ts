import type { Diagnosis } from './diagnosis'
import { counted } from './finding'

const MAX_LISTED = 10

/** `diagnosis` as text for people, which ends with a line break; the same diagnosis always gives the same text. */
export function renderDiagnosis(diagnosis: Diagnosis): string {
  const { findings } = diagnosis
  const lines = [`tracelane doctor: ${verdict(findings.length)} in ${whoOf(diagnosis)}`]
  for (const { severity, code, message, cure } of findings)
    lines.push('', `${severity} ${code}`, `  ${message}`, `  Cure: ${cure}`)
  lines.push(...(findings.length > 0 ? [''] : []), ...trafficOf(diagnosis))
  return `${lines.join('\n')}\n`
}

function verdict(count: number): string {
  return count === 0 ? 'nothing found' : counted(count, 'finding')
}

function whoOf({ pid, threadId, node, version }: Diagnosis): string {
  const thread = threadId === 0 ? '' : `, thread ${threadId}`
  return `process ${pid}${thread} (Node.js ${node}, tracelane ${version ?? 'in a bundle'})`
}

function trafficOf({ logCalls, requests }: Diagnosis): string[] {
  if (logCalls === undefined || requests === undefined) return ['Nothing was counted, because nobody has watched.']
  const { total, untraced, detached, sites, elsewhere } = logCalls
  const without = sites.filter((site) => site.untraced > 0)
  const more = without.length - MAX_LISTED
  return [
    `${counted(requests.total, 'request')}, ${requests.traced} with a trace.`,
    `${counted(total, 'log call')}, ${total - untraced - detached} with a trace id${detached > 0 ? `, ${detached} in detach` : ''}.`,
    ...without.slice(0, MAX_LISTED).map((site) => `  ${site.untraced} of ${site.total} without one at ${site.where}`),
    ...(more > 0 ? [`  and ${counted(more, 'place')} more`] : []),
    ...(elsewhere > 0 ? [`  ${counted(elsewhere, 'log call')} at places for which there was no room`] : []),
  ]
}
