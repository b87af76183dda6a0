// Writes docs/reference/context-traps.md; see `npm run docs:traps`.
import { writeFileSync } from 'node:fs'
import { projectFile } from '../support'
import { PAGE, renderPage } from './page'

writeFileSync(projectFile(PAGE), renderPage())
