// Node.status.volumesInUse: attachable volumes that this node mounts, or is about to mount. The attach-detach controller detaches none of
// them. So a volume is mounted only after the API has taken the list with it.
export class VolumesInUse {
  private readonly names = new Set<string>();
  private reportedNames: ReadonlySet<string> = new Set();
  private changed: () => void = () => {};
  private wake = Promise.withResolvers<void>();

  /** `handler` is called when the list must be written. */
  onChange(handler: () => void): void {
    this.changed = handler;
  }

  list(): readonly string[] {
    return [...this.names].sort();
  }

  /** The API has this list now. */
  reported(names: readonly string[]): void {
    this.reportedNames = new Set(names);
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }

  add(name: string): void {
    if (this.names.has(name)) return;
    this.names.add(name);
    this.changed();
  }

  /** Resolves when the API shows the volume as in use. @throws the signal's reason */
  async shown(name: string, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    aborted.promise.catch(() => {});
    try {
      signal.throwIfAborted();
      while (!this.reportedNames.has(name)) await Promise.race([this.wake.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  remove(name: string): void {
    if (this.names.delete(name)) this.changed();
  }
}
