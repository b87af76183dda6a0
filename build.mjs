// Makes the files that users load, in dist/, from the sources that tsc has checked.
//
//   core.js      what every part shares: context, propagation, events, spans; one copy of it in a process
//   logging.js   our logger with its appender, layouts and sinks, which adapters write through as well
//   sending.js   what sends to the network from the thread that logs; required by logging.js when somebody wants that
//   index.js, express.js, axios.js, ...   one file for each way into the package, on top of these
//
// One file instead of sixty, because Node needs about half a millisecond for each file that is required.
// Node's own modules are fetched by process.getBuiltinModule, because a bundle of ES modules that somebody makes of these files has
// no `require`. The programs of threads become strings inside logging.js, so no bundler, archive or test runner
// can lose them.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))
const dist = join(root, 'dist')
const CORE = [
  ...['errors', 'diagnostics', 'context', 'redaction', 'targeted-debug', 'propagation', 'event', 'span'],
  ...readdirSync(join(root, 'lib/internal')).map((file) => `internal/${basename(file, '.ts')}`),
]
const LOGGING = ['layout', 'spool', 'sinks', 'appender', 'filter', 'flight-recorder', 'logger']
/* The files in which rooms are shared, and the sources that are found in each. */
const SHARED = [
  ['./core.js', /^lib\/(errors\.ts|diagnostics\.ts|(internal|context|redaction|targeted-debug|propagation|event|span)\/)/],
  ['./logging.js', new RegExp(`^lib/(${LOGGING.join('|')})/`)],
]
/* What is loaded when it is wanted: the file, and the source that it is made of, with a copy of all that it needs beside core.js. */
const LATER = [['./sending.js', /^lib\/appender\/in-process-sender\.ts$/]]
/* The programs of threads, each found by its `source` beside it; one that starts another comes after it. */
const PROGRAMS = [
  ['lib/sinks/rolling-file/compression', 'compressionSource'],
  ['lib/appender/worker', 'workerSource'],
]

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  absWorkingDir: root,
  legalComments: 'none',
  logLevel: 'warning',
}

/*
 * What esbuild exports is behind two getters for each name, which V8 does not see through: on Node 20 they took a third of a log call. Nothing
 * that the shared files export is ever assigned again, so it can stand there as it is.
 */
const plainExports = { js: 'module.exports = Object.defineProperty({ ...module.exports }, "__esModule", { value: true })' }

/* Every import of a room in `shared` becomes one of the file that has it. */
function share(shared) {
  return {
    name: 'share',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir, importer }) => {
        if (importer === '' || importer.endsWith('<stdin>')) return undefined
        const base = join(resolveDir, path)
        const file = [`${base}.ts`, join(base, 'index.ts')].find(existsSync)
        const found = file && shared.find(([, sources]) => sources.test(relative(root, file)))
        return found && { path: found[0], external: true }
      })
    },
  }
}

/* The text of each program, by its folder. */
async function programTexts() {
  const texts = new Map()
  for (const [folder] of PROGRAMS) {
    const options = { ...common, entryPoints: [`${folder}/main.ts`], plugins: [inline(texts)], minify: true, write: false }
    const { outputFiles } = await build(options)
    texts.set(folder, outputFiles[0].text)
  }
  return texts
}

/* The door of a room without a name that only files use which are loaded later; what is behind it is left out with it. */
function without(door, name) {
  return {
    name: 'without',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (relative(root, path) !== door) return undefined
        const text = readFileSync(path, 'utf8')
        const found = new RegExp(`\\b${name},`)
        if (!found.test(text)) throw new Error(`${door} does not export ${name}`)
        return { contents: text.replace(found, ''), loader: 'ts' }
      })
    },
  }
}

function inline(texts) {
  return {
    name: 'inline-programs',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.+\/(.*\/)?source$/ }, ({ path, resolveDir }) => ({
        path: dirname(relative(root, join(resolveDir, path))),
        namespace: 'program',
      }))
      onLoad({ filter: /.*/, namespace: 'program' }, ({ path }) => ({ contents: `export ${sourceOf(path, texts)}` }))
    },
  }
}

function sourceOf(folder, texts) {
  const text = texts.get(folder)
  // Two copies of the kit understand each other's memory if their programs are the same.
  const version = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `const ${PROGRAMS.find(([other]) => other === folder)[1]} = ${JSON.stringify(text)}, programVersion = '${version}'`
}

async function buildWithoutRequire(options) {
  const { outputFiles } = await build({ ...common, ...options, write: false })
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text.replace(/\brequire\(("node:[\w/]+")\)/g, 'process.getBuiltinModule($1)'))
  }
}

/* `dist/x.js` in the exports map or in `bin` is made from the source whose declarations stand beside it there. */
function doors() {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const doors = Object.values(exports).filter((door) => typeof door === 'object')
  const entries = doors.map(({ types, default: file }) => [file, types.replace('./dist/', '').replace('.d.ts', '.ts')])
  if (bin !== undefined) entries.push([bin.tracelane, 'lib/cli/main.ts'])
  return entries.map(([file, source]) => ({ out: file.replace(/^(\.\/)?dist\//, '').replace(/\.js$/, ''), in: source }))
}

const allOf = (rooms) => ({
  contents: rooms.map((room) => `export * from './lib/${room}'`).join('\n'),
  resolveDir: root,
  loader: 'ts',
})

const texts = await programTexts()
await buildWithoutRequire({ stdin: allOf(CORE), outfile: join(dist, 'core.js'), footer: plainExports })
await buildWithoutRequire({
  stdin: allOf(LOGGING),
  outfile: join(dist, 'logging.js'),
  footer: plainExports,
  plugins: [share([...LATER, ...SHARED.slice(0, 1)]), without('lib/sinks/index.ts', 'openAsyncSink'), inline(texts)],
})
await buildWithoutRequire({
  entryPoints: { sending: 'lib/appender/in-process-sender.ts' },
  outdir: dist,
  external: ['@grpc/grpc-js', '@platformatic/kafka'],
  footer: plainExports,
  plugins: [share(SHARED.slice(0, 1)), inline(texts)],
})
await buildWithoutRequire({
  entryPoints: doors().filter((door) => existsSync(join(root, door.in))),
  outdir: dist,
  external: ['@grpc/grpc-js', '@opentelemetry/api'],
  plugins: [share(SHARED)],
})
// The files of tsc, which tests of single modules load, find the programs here.
for (const [folder, name] of PROGRAMS) {
  writeFileSync(
    join(dist, folder, 'source.js'),
    `${sourceOf(folder, texts)}\nexports.${name} = ${name}\nexports.programVersion = programVersion\n`,
  )
}
