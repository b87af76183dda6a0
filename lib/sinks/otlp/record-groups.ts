import { ProtobufWriter, varintBytes } from './protobuf'
import type { Attributes } from './record'

/** Records of one resource and one instrumentation scope: where they are in the memory that all records are written to. */
export interface RecordGroup {
  /** From, to, from, to. */
  readonly runs: number[]
  bytes: number
  readonly head: Uint8Array
}

interface ResourceGroup {
  readonly head: Uint8Array
  readonly scopes: Map<string, RecordGroup>
}

/** One byte for the field, and the length. */
const headBytes = (length: number): number => 1 + varintBytes(length)

/**
 * The records of one request, each encoded when it comes. They lie one after the other; the groups that OTLP wants, a resource and in it a scope, are made of
 * runs of them in the end, when their lengths are known.
 */
export class RecordGroups {
  readonly #byResource = new Map<Attributes, ResourceGroup>()
  readonly #records: ProtobufWriter
  readonly #writeResource: (out: ProtobufWriter, resource: Attributes) => void

  /** `records` is where records are written to, from its beginning. */
  constructor(records: ProtobufWriter, writeResource: (out: ProtobufWriter, resource: Attributes) => void) {
    this.#records = records
    this.#writeResource = writeResource
  }

  /** Records of one resource come with the same object. */
  group(resource: Attributes, scope: string): RecordGroup {
    let ofResource = this.#byResource.get(resource)
    if (ofResource === undefined) {
      ofResource = { head: messageOf((out) => this.#writeResource(out, resource)), scopes: new Map() }
      this.#byResource.set(resource, ofResource)
    }
    const known = ofResource.scopes.get(scope)
    if (known !== undefined) return known
    const group = { runs: [], bytes: 0, head: messageOf((out) => out.text(1, scope)) }
    ofResource.scopes.set(scope, group)
    return group
  }

  /** What was written from `from` on is a record of `group`, with its head. */
  add(group: RecordGroup, from: number): void {
    const to = this.#records.length
    const { runs } = group
    if (runs.length > 0 && runs[runs.length - 1] === from) runs[runs.length - 1] = to
    else runs.push(from, to)
    group.bytes += to - from
  }

  /** The body of the request. */
  finish(): Buffer {
    const resources = [...this.#byResource.values()].map(({ head, scopes }) => {
      const sized = [...scopes.values()].map((group) => ({ group, bytes: group.head.length + group.bytes }))
      const bytes = sized.reduce((sum, scope) => sum + headBytes(scope.bytes) + scope.bytes, head.length)
      return { head, scopes: sized, bytes }
    })
    const out = new ProtobufWriter(resources.reduce((sum, { bytes }) => sum + headBytes(bytes) + bytes, 64))
    const records = this.#records.written
    for (const { head, scopes, bytes } of resources) {
      out.head(1, bytes)
      out.raw(head)
      for (const scope of scopes) {
        out.head(2, scope.bytes)
        out.raw(scope.group.head)
        const { runs } = scope.group
        for (let i = 0; i < runs.length; i += 2) out.raw(records, runs[i], runs[i + 1])
      }
    }
    return out.written
  }
}

/* Field 1, which is the resource of its logs and the name of its scope. */
function messageOf(write: (out: ProtobufWriter) => void): Uint8Array {
  const out = new ProtobufWriter(256)
  const from = out.begin(1)
  write(out)
  out.end(from)
  return out.finish()
}
