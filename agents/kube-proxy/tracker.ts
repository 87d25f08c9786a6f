// Remembers which Services changed since the last synchronisation, and since when their changes wait to reach the kernel.
import type { EndpointSlice, Pod, Service } from '../../controlplane/api';
import type { Change, Lister } from '../../controlplane/client/informer';
import { podKey, wantsHostPorts } from './host-ports';
import { serviceKeyOfSlice } from './translate';

/** Set by the EndpointSlice controller: when the pod or Service changed that made it write the slice. */
const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export interface Changes {
  readonly keys: ReadonlySet<string>;
  /** Milliseconds since the epoch, one per change that says when it was caused. */
  readonly triggeredAt: readonly number[];
}

export class ChangeTracker {
  private keys = new Set<string>();
  private triggeredAt: number[] = [];
  constructor(
    private readonly slices: Lister<EndpointSlice>,
    private readonly sliceIndex: string,
    private readonly request: (urgency: 'soon' | 'now') => void,
  ) {}

  /** A Service that nobody answers for yet can wait a moment: its first slice is about to follow. */
  readonly onService = (change: Change<Service>): void => {
    this.keys.add(change.key);
    const lone = change.type === 'added' && this.slices.by(this.sliceIndex, change.key).length === 0;
    this.request(lone ? 'soon' : 'now');
  };

  readonly onSlice = (change: Change<EndpointSlice>): void => {
    const keys = [serviceKeyOfSlice(change.object)];
    if (change.type === 'updated') keys.push(serviceKeyOfSlice(change.previous));
    for (const key of keys) if (key !== '') this.keys.add(key);
    const at = Date.parse(change.object.metadata?.annotations?.[triggerTimeAnnotation] ?? '');
    if (!Number.isNaN(at) && change.type !== 'deleted') this.triggeredAt.push(at);
    this.request('now');
  };

  /** Of the pods of this node, those that want ports of it. */
  readonly onPod = (change: Change<Pod>): void => {
    const wants = wantsHostPorts(change.object) || (change.type === 'updated' && wantsHostPorts(change.previous));
    if (!wants) return;
    this.keys.add(podKey(change.key));
    this.request('now');
  };

  /** Everything at once: something changed that all depend on. */
  add(keys: Iterable<string>): void {
    for (const key of keys) this.keys.add(key);
  }

  take(): Changes {
    const taken = { keys: this.keys, triggeredAt: this.triggeredAt };
    this.keys = new Set();
    this.triggeredAt = [];
    return taken;
  }
}
