// Root hooks; filled in by the house.
export const mochaHooks = {}
