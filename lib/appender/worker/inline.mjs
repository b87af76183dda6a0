// Bundles the flush thread's code into one string module, so that no bundler, archive or test runner can lose its file.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const folder = join(root, 'dist/lib/appender/worker')
const { outputFiles } = buildSync({
  entryPoints: [join(folder, 'main.js')],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  write: false,
})
mkdirSync(folder, { recursive: true })
writeFileSync(
  join(folder, 'source.js'),
  `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.workerSource = ${JSON.stringify(outputFiles[0].text)};\n`,
)
