import type { AppSpec, Framework } from '../../support/frameworks'
import type { TestServer } from '../../support/http-server'
import { listenToPort, type PortEvents } from '../../support/port-events'

/** What the suites of the table have in each test. */
export interface Harness {
  /** Serves `spec` until the test ends. */
  start(spec: AppSpec): Promise<TestServer>
  /** What the event port has said since the test began. */
  readonly port: PortEvents
}

/** Registers the hooks of a suite about `framework`. */
export function harnessOf(framework: Framework): Harness {
  let servers: TestServer[] = []
  let port: PortEvents
  beforeEach(() => {
    port = listenToPort()
  })
  afterEach(async () => {
    port.stop()
    await Promise.all(servers.map((server) => server.close()))
    servers = []
  })
  return {
    get port() {
      return port
    },
    async start(spec) {
      const server = await framework.start(spec)
      servers.push(server)
      return server
    },
  }
}

/** A trace id of 32 times the same digit. */
export const ID = (digit: string): string => digit.repeat(32)
