/** Compiled in: what a running process says is what it was built from. */
export const VERSION = '1.0.0';
