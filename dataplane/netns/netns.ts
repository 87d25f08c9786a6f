// A handle to a network namespace. A socket belongs to the namespace it was opened in: setns, open, and back happen in
// one synchronous stretch, so nothing else in the process ever sees the other namespace.

export interface Netns {
  /** A path that names the namespace: /proc/PID/ns/net or /run/netns/NAME. */
  readonly path: string;
  /**
   * Runs `fn` synchronously inside the namespace and returns what it returns; the thread is back in its own namespace
   * afterwards, also when `fn` throws. `fn` must not await. @throws NotFound when the namespace is gone.
   */
  enter<T>(fn: () => T): T;
}
