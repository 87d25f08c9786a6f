// One part of the kubelet, as kubelet.ts and main.ts run it.

export interface Part {
  /** Runs until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** The current fault, for /healthz and the node's status. */
  problem?(): string | undefined;
}
