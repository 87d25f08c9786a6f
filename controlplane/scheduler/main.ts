// Chooses a node for every pod that names this scheduler.
//
//   informers ─► state (nodes, pods on them) ─┐
//        └─────► queue ─► choose (pure) ◄─────┘ ─► assume ─► bind in the background ─► the binding comes back as an event
import { namespaces } from '../api/namespace';
import { type Node, nodes } from '../api/node';
import { type Pod, pods } from '../api/pod';
import { podDisruptionBudgets } from '../api/pod-disruption-budget';
import { matchesSelector, selectorFromMap } from '../api/selector';
import { type Service, services } from '../api/service';
import { type Clock, systemClock } from '../base/clock';
import { goDurationMs } from '../base/duration';
import type { Logger } from '../base/logger';
import type { Client } from '../client/client';
import { createEventRecorder } from '../client/event-recorder';
import { createInformer, type Lister } from '../client/informer';
import { defaultTiming, type LeaderTiming, runWithLease } from '../client/leader-election';
import { planProfiles } from './config/profiles';
import type { LeaderElectionSettings, SchedulerConfiguration } from './config/types';
import { openExtender } from './extenders/extender';
import type { SchedulerPlugin } from './plugins/plugin';
import type { TopologySpreadDeps } from './plugins/pod-topology-spread';
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
  /** It must have been validated. Absent: one profile, default-scheduler, with upstream's default plug-ins. */
  readonly config?: SchedulerConfiguration;
  /** In place of those of the configuration, for all profiles. */
  readonly plugins?: readonly SchedulerPlugin[];
  /** In [0, 1); chooses among equally good nodes. */
  readonly random?: () => number;
}

/** Resolves when the signal is aborted and everything has stopped. */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, identity, clock, log, config = {} } = options;
  const { leaderElect = true, resourceNamespace, resourceName } = config.leaderElection ?? {};
  if (identity === undefined || !leaderElect) return schedule(options, signal);
  const lease = `${resourceNamespace || 'kube-system'}/${resourceName || 'kube-scheduler'}`;
  const timing = timingOf(config.leaderElection ?? {});
  return runWithLease({ client, lease, identity, clock, log, timing }, signal, (term, leading) =>
    schedule({ ...options, client: leading }, term),
  );
}

function timingOf({ leaseDuration, renewDeadline, retryPeriod }: LeaderElectionSettings): LeaderTiming {
  const ms = (text: string | undefined, otherwise: number) =>
    (text === undefined ? undefined : goDurationMs(text)) ?? otherwise;
  return {
    leaseMs: ms(leaseDuration, defaultTiming.leaseMs),
    renewDeadlineMs: ms(renewDeadline, defaultTiming.renewDeadlineMs),
    retryMs: ms(retryPeriod, defaultTiming.retryMs),
  };
}

async function schedule(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, log, clock = systemClock, random = Math.random, config = {} } = options;
  const informerOptions = { log, clock };
  const informers = {
    pods: createInformer<Pod>(client, pods, informerOptions),
    nodes: createInformer<Node>(client, nodes, informerOptions),
    namespaces: createInformer(client, namespaces, informerOptions),
    budgets: createInformer(client, podDisruptionBudgets, informerOptions),
  };
  const ofVolumes = volumeInformers(client, informerOptions);
  const ofServices = createInformer(client, services, { ...informerOptions, indexes: serviceIndexes });
  const volumes = new ClusterVolumes(ofVolumes);
  const settings = config.extenders ?? [];
  const ignoredResources = settings.flatMap(({ managedResources = [] }) =>
    managedResources.filter(({ ignoredByScheduler }) => ignoredByScheduler).map(({ name = '' }) => name),
  );
  const handle = { client, clock, volumes, serviceSelectors: selectorsOf(ofServices), ignoredResources };
  const profiles = new Map<string, Profile>();
  for (const plan of planProfiles(config, handle)) {
    const events = createEventRecorder({ client, component: plan.schedulerName, log, clock });
    profiles.set(plan.schedulerName, { ...plan, plugins: options.plugins ?? plan.plugins, events });
  }
  const { podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = config;
  const backoff = { initialBackoffMs: initial * 1000, maxBackoffMs: max * 1000 };
  const extenders = await Promise.all(settings.map(openExtender));
  const deps = { client, log, clock, random, profiles, ...informers, volumes, extenders, backoff };
  const scheduler = new Scheduler(deps);
  // Subscribed before the first list, so that nothing is missed.
  const running = scheduler.run(signal);
  const all = [...Object.values(informers), ...Object.values(ofVolumes), ofServices];
  try {
    await Promise.all([running, ...all.map((informer) => informer.run(signal))]);
  } finally {
    for (const extender of extenders) extender.close();
  }
}

const byNamespace = 'namespace';
const serviceIndexes = { [byNamespace]: ({ metadata }: Service) => [metadata?.namespace ?? ''] };

/** A Service without a selector selects no pod. */
function selectorsOf(informer: Lister<Service>): TopologySpreadDeps['serviceSelectors'] {
  return (namespace, labels) =>
    informer.by(byNamespace, namespace).flatMap(({ spec }) => {
      const selector = selectorFromMap(spec?.selector ?? {});
      return spec?.selector && matchesSelector(selector, labels) ? [selector] : [];
    });
}
