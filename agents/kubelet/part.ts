// One part of the kubelet, as kubelet.ts and main.ts run it, and how it reports Events about its node.

export interface Part {
  /** Runs until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** The current fault, for /healthz and the node's status. */
  problem?(): string | undefined;
}

/** Records an Event about this node. */
export type NodeEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void;
