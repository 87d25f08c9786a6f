// /metrics/probes: results and times of probes, by upstream's names. Series of a container end with it.
import { Counter, Histogram } from '../../../controlplane/base/metric';
import type { ProbeKind } from './probe-state';
import type { ProbedContainer } from './prober';

const types: Readonly<Record<ProbeKind, string>> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };
const results = ['successful', 'failed', 'unknown'] as const;

/** In seconds: the default ones of Prometheus' client for Go. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Probed = Pick<ProbedContainer, 'pod' | 'container'>;

export class ProbeMetrics {
  private readonly total = new Counter({
    name: 'prober_probe_total',
    help: 'Probes of containers, by kind and result',
  });
  private readonly duration = new Histogram({
    name: 'prober_probe_duration_seconds',
    help: 'How long probes took, in seconds',
    buckets,
  });

  note(target: Probed, kind: ProbeKind, result: (typeof results)[number], seconds: number): void {
    this.total.add(totalLabels(target, kind, result));
    // Upstream measures no failures.
    if (result !== 'failed') this.duration.observe(durationLabels(target, kind), seconds);
  }

  forget(target: Probed): void {
    const totals = new Set<string>();
    const durations = new Set<string>();
    for (const kind of Object.keys(types) as ProbeKind[]) {
      for (const result of results) totals.add(totalLabels(target, kind, result));
      durations.add(durationLabels(target, kind));
    }
    this.total.forget((labels) => totals.has(labels));
    this.duration.forget((labels) => durations.has(labels));
  }

  render(): readonly string[] {
    return [...this.duration.render(), ...this.total.render()];
  }
}

// Names of containers, pods and namespaces contain nothing that must be escaped.
const durationLabels = ({ pod, container }: Probed, kind: ProbeKind): string =>
  `container="${container.name}",namespace="${pod.metadata?.namespace}",pod="${pod.metadata?.name}",probe_type="${types[kind]}"`;

const totalLabels = ({ pod, container }: Probed, kind: ProbeKind, result: string): string =>
  `container="${container.name}",namespace="${pod.metadata?.namespace}",pod="${pod.metadata?.name}",` +
  `pod_uid="${pod.metadata?.uid}",probe_type="${types[kind]}",result="${result}"`;
