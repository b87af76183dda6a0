/* What is used of @grpc/grpc-js, which is an optional peer. */

/** A call that is on its way. */
export interface GrpcCall {
  cancel(): void
}

/** A call whose answer comes in pieces. */
export interface GrpcReading extends GrpcCall {
  on(event: 'data', listener: (value: Buffer) => void): this
  on(event: 'error', listener: (error: GrpcError) => void): this
  on(event: 'end', listener: () => void): this
}

/** A call of which both sides say something whenever they like. */
export interface GrpcTalk extends GrpcReading {
  write(value: Buffer): unknown
}

type Coding = (value: Buffer) => Buffer

/** What a call ended with, if not well. */
export interface GrpcError extends Error {
  readonly code: number
  readonly details: string
}

/** Headers. */
export interface GrpcMetadata {
  set(name: string, value: string): void
}

/** A channel to one address. */
export interface GrpcClient {
  makeUnaryRequest(
    method: string,
    serialize: Coding,
    deserialize: Coding,
    argument: Buffer,
    metadata: GrpcMetadata,
    options: { readonly deadline: number },
    callback: (error: GrpcError | null, value?: Buffer) => void,
  ): GrpcCall
  makeServerStreamRequest(
    method: string,
    serialize: Coding,
    deserialize: Coding,
    argument: Buffer,
    metadata: GrpcMetadata,
    options: { readonly deadline: number },
  ): GrpcReading
  makeBidiStreamRequest(method: string, serialize: Coding, deserialize: Coding, metadata: GrpcMetadata, options: object): GrpcTalk
  close(): void
}

/** The package. */
export interface GrpcPackage {
  readonly Client: new (address: string, credentials: unknown, options: object) => GrpcClient
  readonly Metadata: new () => GrpcMetadata
  readonly credentials: {
    createInsecure(): unknown
    createFromSecureContext(context: unknown, verify?: object): unknown
  }
}
