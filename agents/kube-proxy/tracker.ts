// Remembers which Services changed since the last write, and when their changes were caused.
import { type EndpointSlice, type Pod, type Service, serviceKeyOf } from '../../controlplane/api';
import type { Change, Lister } from '../../controlplane/client/informer';
import { podKey, wantsHostPorts } from './host-ports';

/** The EndpointSlice controller sets it to the time at which the pod or Service changed. */
const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export interface Changes {
  readonly keys: ReadonlySet<string>;
  /** Milliseconds since the epoch, one for each change that has the annotation. */
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

  /** A new Service without slices is not urgent: its first slice follows soon. */
  readonly onService = (change: Change<Service>): void => {
    this.keys.add(change.key);
    const lone = change.type === 'added' && this.slices.by(this.sliceIndex, change.key).length === 0;
    this.request(lone ? 'soon' : 'now');
  };

  readonly onSlice = (change: Change<EndpointSlice>): void => {
    const keys = [serviceKeyOf(change.object)];
    if (change.type === 'updated') keys.push(serviceKeyOf(change.previous));
    for (const key of keys) if (key !== '') this.keys.add(key);
    const at = Date.parse(change.object.metadata?.annotations?.[triggerTimeAnnotation] ?? '');
    if (!Number.isNaN(at) && change.type !== 'deleted') this.triggeredAt.push(at);
    this.request('now');
  };

  /** For pods of this node with host ports. */
  readonly onPod = (change: Change<Pod>): void => {
    const wants = wantsHostPorts(change.object) || (change.type === 'updated' && wantsHostPorts(change.previous));
    if (!wants) return;
    this.keys.add(podKey(change.key));
    this.request('now');
  };

  /** Adds many keys, after a change on which they all depend. */
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
