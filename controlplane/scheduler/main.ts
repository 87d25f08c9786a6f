// Chooses a node for every pod that names this scheduler.
//
//   informers ─► state (nodes, pods on them) ─┐
//        └─────► queue ─► choose (pure) ◄─────┘ ─► assume ─► bind in the background ─► the binding comes back as an event
import { namespaces } from '../api/namespace';
import { type Node, nodes } from '../api/node';
import { type Pod, pods } from '../api/pod';
import { podDisruptionBudgets } from '../api/pod-disruption-budget';
import { type Clock, systemClock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { Client } from '../client/client';
import { createEventRecorder } from '../client/event-recorder';
import { createInformer } from '../client/informer';
import { runWithLease } from '../client/leader-election';
import { openDefaultProfile } from './plugins/default-profile';
import type { SchedulerPlugin } from './plugins/plugin';
import { defaultSchedulerName } from './pod-info';
import type { Profile } from './profile';
import { Scheduler } from './scheduler';
import { ClusterVolumes } from './volumes/cluster-volumes';
import { volumeInformers } from './volumes/open';

export interface SchedulerOptions {
  readonly client: Client;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The name of this process in the Lease kube-system/kube-scheduler; without it there is no election. */
  readonly identity?: string;
  /** The scheduler serves pods with this spec.schedulerName; default-scheduler by default. */
  readonly schedulerName?: string;
  /** The default profile by default. */
  readonly plugins?: readonly SchedulerPlugin[];
  /** In [0, 1); chooses among equally good nodes. */
  readonly random?: () => number;
}

/** Resolves when the signal is aborted and everything has stopped. */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, identity, clock, log } = options;
  if (identity === undefined) return schedule(options, signal);
  const lease = 'kube-system/kube-scheduler';
  return runWithLease({ client, lease, identity, clock, log }, signal, (term) => schedule(options, term));
}

async function schedule(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, log, clock = systemClock, random = Math.random, schedulerName = defaultSchedulerName } = options;
  const informerOptions = { log, clock };
  const informers = {
    pods: createInformer<Pod>(client, pods, informerOptions),
    nodes: createInformer<Node>(client, nodes, informerOptions),
    namespaces: createInformer(client, namespaces, informerOptions),
    budgets: createInformer(client, podDisruptionBudgets, informerOptions),
  };
  const ofVolumes = volumeInformers(client, informerOptions);
  const volumes = new ClusterVolumes(ofVolumes);
  const plugins = options.plugins ?? openDefaultProfile({ client, clock, volumes });
  const events = createEventRecorder({ client, component: schedulerName, log, clock });
  const profiles = new Map<string, Profile>([[schedulerName, { schedulerName, plugins, events }]]);
  const scheduler = new Scheduler({ client, log, clock, random, profiles, ...informers, volumes });
  // Subscribed before the first list, so that nothing is missed.
  const running = scheduler.run(signal);
  const all = [...Object.values(informers), ...Object.values(ofVolumes)];
  await Promise.all([running, ...all.map((informer) => informer.run(signal))]);
}
