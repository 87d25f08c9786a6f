// How Node.js and the C library run the server's process: every way to start the server uses these.

/**
 * Half the default size of the young generation: after the load of `hack/bench api` the process holds 20 to 25 MB less, and the CPU time
 * of a request stays within the noise.
 */
export const serverNodeFlags: readonly string[] = ['--max-semi-space-size=8'];

/**
 * glibc gives freed memory back to the kernel: large blocks at once, and from two arenas, not from one for each thread. After the same
 * load the process holds 23 MB less. See mallopt(3).
 */
export const serverEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
