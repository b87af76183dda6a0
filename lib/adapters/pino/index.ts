export { type PinoDestination, type PinoDestinationOptions, tracelaneDestination } from './destination'
export { logSpans, type PinoLike, traceMixin } from './mixin'
