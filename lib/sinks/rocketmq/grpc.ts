/* What is used of @grpc/grpc-js, which is an optional peer. */

/** A call that is on its way. */
export interface GrpcCall {
  cancel(): void
}

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
    serialize: (value: Buffer) => Buffer,
    deserialize: (value: Buffer) => Buffer,
    argument: Buffer,
    metadata: GrpcMetadata,
    options: { readonly deadline: number },
    callback: (error: GrpcError | null, value?: Buffer) => void,
  ): GrpcCall
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
