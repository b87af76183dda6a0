import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader'
import { projectFile } from '../../support'
import { serve } from '../../support/http-server'

const definition = loadSync(projectFile('test/fixtures/otlp/otlp.proto'), { longs: String, bytes: String, keepCase: false })
const [logs, traces] = ['otlp.Logs', 'otlp.Traces'].map((name) => (definition[name] as ServiceDefinition)['Export'])

/** `AnyValue` as the decoders give it. */
type AnyValue = Readonly<Record<string, unknown>>

/** One record or span, simplified: values as JavaScript has them. */
export interface Decoded {
  readonly resource: Readonly<Record<string, unknown>>
  readonly scope: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** The attributes one by one, sorted: of one key there may be two. */
  readonly pairs: readonly string[]
  readonly record: Readonly<Record<string, unknown>>
}

/** One request that the server got. */
export interface OtlpRequest {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly records: readonly Decoded[]
}

/** The bytes of an answer, made by the same library. */
export function responseOf(rejected: number, message: string): Buffer {
  return (logs as unknown as { responseSerialize(value: object): Buffer }).responseSerialize({
    partialSuccess: { rejected, errorMessage: message },
  })
}

/** The records of a request in protobuf, as somebody else's decoder reads them. */
export function decodedLogs(body: Buffer): Decoded[] {
  return simplified((logs as unknown as { requestDeserialize(bytes: Buffer): object }).requestDeserialize(body), false)
}

/** A server that decodes OTLP with somebody else's decoder, and answers as `answer` says. */
export async function serveOtlp(answer: (res: ServerResponse, request: OtlpRequest, n: number) => void) {
  const requests: OtlpRequest[] = []
  const server = await serve(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const whole = Buffer.concat(chunks)
    const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole
    const isJson = req.headers['content-type'] === 'application/json'
    const rpc = (req.url ?? '').endsWith('/traces') ? traces : logs
    const decoded = isJson
      ? (JSON.parse(body.toString()) as object)
      : (rpc as { requestDeserialize(bytes: Buffer): object }).requestDeserialize(body)
    const request = { url: req.url ?? '', headers: req.headers, records: simplified(decoded, isJson) }
    requests.push(request)
    answer(res, request, requests.length)
  })
  return { ...server, requests }
}

type Tree = Readonly<Record<string, unknown>>

/** The records of a decoded request, be they log records or spans. */
export function simplified(request: object, isJson: boolean): Decoded[] {
  const list = (from: Tree, ...names: string[]): Tree[] => names.flatMap((name) => (from[name] as Tree[] | undefined) ?? [])
  return list(request as Tree, 'resourceLogs', 'resourceSpans').flatMap((one) =>
    list(one, 'scopeLogs', 'scopeSpans').flatMap((scope) =>
      list(scope, 'logRecords', 'spans').map(({ attributes, ...record }) => ({
        resource: attributesOf((one['resource'] as Tree)['attributes']),
        scope: (scope['scope'] as { name: string }).name,
        attributes: attributesOf(attributes),
        pairs: ((attributes ?? []) as { key: string; value: AnyValue }[])
          .map(({ key, value }) => JSON.stringify([key, plainValue(value)]))
          .sort(),
        record: Object.fromEntries(Object.entries(record).map(([key, value]) => [key, plain(key, value, isJson)])),
      })),
    ),
  )
}

function plain(key: string, value: unknown, isJson: boolean): unknown {
  if (key === 'body') return plainValue(value as AnyValue)
  if (/Id$/.test(key) && !isJson) return Buffer.from(value as string, 'base64').toString('hex')
  if (key === 'links')
    return (value as Tree[]).map((link) => Object.fromEntries(Object.entries(link).map(([k, v]) => [k, plain(k, v, isJson)])))
  return value
}

function attributesOf(attributes: unknown): Record<string, unknown> {
  return Object.fromEntries(
    ((attributes ?? []) as { key: string; value: AnyValue }[]).map(({ key, value }) => [key, plainValue(value)]),
  )
}

function plainValue(value: AnyValue | undefined | null): unknown {
  const [[kind, inner] = []] = Object.entries(value ?? {})
  if (kind === 'intValue') return Number(inner)
  if (kind === 'arrayValue') return ((inner as { values?: AnyValue[] }).values ?? []).map(plainValue)
  if (kind === 'kvlistValue') return attributesOf((inner as { values?: unknown }).values)
  return inner ?? null
}
