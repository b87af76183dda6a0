export { FlightRecorder } from './flight-recorder'
export { checkFlightRecorder, type FlightRecorderOptions } from './options'
