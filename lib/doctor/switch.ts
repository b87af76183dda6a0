import { switchOn } from './report'

export { diagnose } from './diagnosis'

// `node --import tracelane/doctor`: whoever loads this file wants the doctor to watch and to report. `tracelane/diagnose` has the functions
// and does nothing by itself.
switchOn()
