import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProgram, run } from '../../support'
import { freePorts } from '../free-ports'
import { BROKERS_FOLDER } from '../maven'

/** How to start a cluster. */
export interface ClusterOptions {
  readonly classPath: string
  /** 1 or 3; each is a controller too. @default 1 */
  readonly brokers?: 1 | 3
  /** More lines of server.properties. */
  readonly properties?: readonly string[]
  /** A second listener with TLS and SASL: passwords as they are and by SCRAM, and tokens that nobody has signed; certificate and key as PEM. */
  readonly secured?: { readonly cert: string; readonly key: string; readonly user: string; readonly password: string }
}

interface Ports {
  readonly plain: number
  readonly secured: number
  readonly controller: number
}

const START_DEADLINE_MS = 120_000
const LIFE_MS = 30 * 60_000
const STARTS = 5
const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512']
const JAVA = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true']
const LOG4J = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %p %c: %m%n
rootLogger.level = error
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
`

/** Real brokers of Apache Kafka in KRaft mode, on loopback, until `stop()`. */
export class KafkaCluster {
  readonly #options: ClusterOptions
  readonly #folder: string
  readonly #programs: (RunningProgram | undefined)[] = []
  #ports: readonly Ports[] = []

  private constructor(options: ClusterOptions) {
    this.#options = options
    mkdirSync(join(BROKERS_FOLDER, 'runs'), { recursive: true })
    this.#folder = mkdtempSync(join(BROKERS_FOLDER, 'runs', 'kafka-'))
  }

  /** Formats the storage and starts the brokers; resolves when all of them serve. */
  static async start(options: ClusterOptions): Promise<KafkaCluster> {
    for (let left = STARTS; ; left--) {
      const cluster = new KafkaCluster(options)
      try {
        await cluster.#format()
        await Promise.all(cluster.#ports.map((_, broker) => cluster.restart(broker)))
        return cluster
      } catch (error) {
        await cluster.stop()
        // Somebody else may have taken a port in the meantime.
        if (left === 1 || !/already in use/i.test(String(error))) throw error
      }
    }
  }

  /** The addresses of all brokers. */
  get brokers(): string[] {
    return this.#ports.map(({ plain }) => `127.0.0.1:${plain}`)
  }

  /** The addresses of the listeners with TLS and SASL. */
  get secured(): string[] {
    return this.#ports.map(({ secured }) => `127.0.0.1:${secured}`)
  }

  /** Kills a broker as kill -9 does. */
  async kill(broker: number): Promise<void> {
    const program = this.#programs[broker]
    this.#programs[broker] = undefined
    await program?.stop('SIGKILL')
  }

  /** Starts a broker that was killed, on its own data and its own ports; resolves when it serves. */
  async restart(broker: number): Promise<void> {
    const config = join(this.#folder, `${broker}.properties`)
    const program = this.#java('kafka.Kafka', config)
    this.#programs[broker] = program
    await program.waitForOutput(/Kafka Server started/, START_DEADLINE_MS)
  }

  /** Stops a broker in its tracks: connections stay, and nothing is answered. */
  pause(broker: number): void {
    this.#programs[broker]?.child.kill('SIGSTOP')
  }

  resume(broker: number): void {
    this.#programs[broker]?.child.kill('SIGCONT')
  }

  /** Kills all brokers and removes their data. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((_, broker) => this.kill(broker)))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #java(main: string, ...args: readonly string[]): RunningProgram {
    const logging = `-Dlog4j2.configurationFile=${join(this.#folder, 'log4j2.properties')}`
    const flags = [...JAVA, logging, '-cp', this.#options.classPath, main]
    return new RunningProgram('java', [...flags, ...args], { cwd: this.#folder, deadlineMs: LIFE_MS })
  }

  async #format(): Promise<void> {
    const { brokers = 1, classPath } = this.#options
    const ports = await freePorts(brokers * 3)
    this.#ports = Array.from({ length: brokers }, (_, i) => {
      const [plain = 0, secured = 0, controller = 0] = ports.slice(i * 3)
      return { plain, secured, controller }
    })
    writeFileSync(join(this.#folder, 'log4j2.properties'), LOG4J)
    this.#writeSecrets()
    // With a first byte of 0 it does not begin with a dash, as options do.
    const cluster = Buffer.concat([Buffer.of(0), randomBytes(15)]).toString('base64url')
    const formatted = this.#ports.map(async (_, broker) => {
      const config = join(this.#folder, `${broker}.properties`)
      writeFileSync(config, this.#properties(broker).join('\n'))
      const args = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', config, ...this.#scram()]
      const { code, stdout, stderr } = await run('java', [...JAVA, ...args], { cwd: this.#folder })
      if (code !== 0) throw new Error(`the storage cannot be formatted: ${stdout}${stderr}`)
    })
    await Promise.all(formatted)
  }

  #scram(): string[] {
    const { secured } = this.#options
    if (secured === undefined) return []
    const { user, password } = secured
    return SCRAM.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name="${user}",password="${password}"]`])
  }

  #writeSecrets(): void {
    const { secured } = this.#options
    if (secured === undefined) return
    writeFileSync(join(this.#folder, 'store.pem'), `${secured.key}\n${secured.cert}`)
  }

  #properties(broker: number): string[] {
    const ports = this.#ports[broker] as Ports
    const replicas = this.#ports.length
    const { secured, properties = [] } = this.#options
    const listeners = [`PLAINTEXT://127.0.0.1:${ports.plain}`, ...(secured ? [`SASL_SSL://127.0.0.1:${ports.secured}`] : [])]
    return [
      'process.roles=broker,controller',
      `node.id=${broker}`,
      `controller.quorum.voters=${this.#ports.map(({ controller }, id) => `${id}@127.0.0.1:${controller}`).join()}`,
      `listeners=${[...listeners, `CONTROLLER://127.0.0.1:${ports.controller}`].join()}`,
      `advertised.listeners=${listeners.join()}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'inter.broker.listener.name=PLAINTEXT',
      `log.dirs=${join(this.#folder, `data-${broker}`)}`,
      'auto.create.topics.enable=false',
      `offsets.topic.replication.factor=${replicas}`,
      'offsets.topic.num.partitions=4',
      `default.replication.factor=${replicas}`,
      `min.insync.replicas=${Math.min(replicas, 2)}`,
      `transaction.state.log.replication.factor=${replicas}`,
      'group.initial.rebalance.delay.ms=0',
      'group.min.session.timeout.ms=1000',
      'broker.session.timeout.ms=6000',
      ...(secured === undefined ? [] : this.#securedProperties(secured)),
      ...properties,
    ]
  }

  #securedProperties({ user, password }: { user: string; password: string }): string[] {
    const jaas = (mechanism: string, login: string): string =>
      `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config=org.apache.kafka.common.security.${login};`
    return [
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${join(this.#folder, 'store.pem')}`,
      `sasl.enabled.mechanisms=PLAIN,OAUTHBEARER,${SCRAM.join()}`,
      jaas('PLAIN', `plain.PlainLoginModule required user_${user}="${password}"`),
      jaas('OAUTHBEARER', `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${user}"`),
      ...SCRAM.map((mechanism) => jaas(mechanism, 'scram.ScramLoginModule required')),
    ]
  }
}
