// The containers of one pod as the runtime last reported them.
import { isSandbox, labels, podIpsOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import type { PodRecords } from './pod-records';

export class ObservedPod {
  constructor(
    private readonly all: PodRecords,
    private readonly podUid: string,
  ) {}

  /** Newest first. */
  get records(): readonly ContainerRecord[] {
    return this.all.ofPod(this.podUid);
  }

  /** The running sandbox. */
  get sandbox(): ContainerRecord | undefined {
    return this.records.find((record) => isSandbox(record) && record.state === 'running');
  }

  /** The addresses of the running sandbox. Empty without a sandbox, and on the node's network. */
  get podIps(): readonly string[] {
    return this.sandbox ? podIpsOf(this.sandbox) : [];
  }

  /** The last run of a container. */
  newest(container: string): ContainerRecord | undefined {
    return this.records.find((record) => record.labels[labels.containerName] === container);
  }
}
