// The texts of /stats/summary and of the metrics about the node and its pods. Each is measured when it is requested.
import { renderGauge } from '../../../controlplane/base/metric';
import type { MachineFacts } from '../node/facts';
import type { ProbeMetrics } from '../probes/probe-metrics';
import type { ContainerRuntime, RuntimeInfo } from '../runtime/runtime';
import { cadvisorMetrics } from '../stats/cadvisor-metrics';
import type { Detail } from '../stats/cgroup-reader';
import { FileSystems } from '../stats/file-systems';
import type { NodeSample } from '../stats/node-sample';
import type { NodeStats } from '../stats/node-stats';
import { resourceMetrics } from '../stats/resource-metrics';
import type { Summary } from '../stats/summary';

export interface StatsPages {
  summary(detail: Detail): Promise<Summary>;
  resource(): Promise<string>;
  cadvisor(): Promise<string>;
  probes(): string;
}

export interface StatsPagesDeps {
  readonly stats: Pick<NodeStats, 'summary' | 'measure'>;
  readonly runtime: Pick<ContainerRuntime, 'info'>;
  readonly machine: MachineFacts;
  readonly probes: ProbeMetrics;
  readonly startedAtMs: number;
}

export function statsPages({ stats, runtime, machine, probes, startedAtMs }: StatsPagesDeps): StatsPages {
  const fileSystems = new FileSystems();
  let info: RuntimeInfo | undefined;
  return {
    summary: (detail) => stats.summary(detail),
    resource: async () => resourceMetrics(await stats.measure('few')),
    cadvisor: async () => {
      info ??= await runtime.info().catch(() => undefined);
      const sample = await stats.measure('all');
      return cadvisorMetrics(sample, {
        kernelVersion: machine.kernelVersion,
        osVersion: machine.osImage,
        runtimeVersion: info?.version ?? '',
        deviceName: await deviceNames(sample, fileSystems),
      });
    },
    probes: () => {
      const start = {
        name: 'process_start_time_seconds',
        help: '[ALPHA] Start time of the process since unix epoch in seconds.',
      };
      return `${[...renderGauge(start, [['', startedAtMs / 1000]]), ...probes.render()].join('\n')}\n`;
    },
  };
}

async function deviceNames({ root, pods }: NodeSample, fileSystems: FileSystems) {
  const names = new Map<string, string>();
  const key = ({ major, minor }: { readonly major: number; readonly minor: number }) => `${major}:${minor}`;
  const all = [root, ...pods.flatMap((pod) => [pod.sandbox, ...pod.containers]).map(({ sample }) => sample)];
  for (const device of all.flatMap(({ devices }) => devices)) {
    if (!names.has(key(device))) names.set(key(device), await fileSystems.deviceName(device.major, device.minor));
  }
  return (device: { readonly major: number; readonly minor: number }) => names.get(key(device)) ?? '';
}
