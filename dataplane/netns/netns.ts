// A handle to a network namespace. A socket belongs to the namespace in which it was opened. setns, open and the setns back run
// in one synchronous stretch, so no other code of the process runs in the other namespace.

export interface Netns {
  /** A path that names the namespace: /proc/PID/ns/net or /run/netns/NAME. */
  readonly path: string;
  /**
   * Runs `fn` synchronously inside the namespace and returns its result. Afterwards the thread is back in its own namespace,
   * even when `fn` throws. `fn` must not await. @throws NotFound when the namespace does not exist any more.
   */
  enter<T>(fn: () => T): T;
}
