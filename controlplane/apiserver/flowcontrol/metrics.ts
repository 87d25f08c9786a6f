// The metrics of priority and fairness, with kube-apiserver's names.
import { Histogram } from '../../base/metric';
import type { Flow } from './flow-control';
import type { Level } from './level';

/** In seconds, those of kube-apiserver. */
const buckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
/** Users create FlowSchemas. */
const maxSeries = 2_000;

/** How long requests waited for a seat, and how long they had it. */
export class FlowTimes {
  readonly waits = new Histogram({
    name: 'apiserver_flowcontrol_request_wait_duration_seconds',
    help: 'Seconds that a request waited for a seat.',
    buckets,
    maxSeries,
  });
  readonly runs = new Histogram({
    name: 'apiserver_flowcontrol_request_execution_seconds',
    help: 'Seconds that a request had its seat.',
    buckets,
    maxSeries,
  });

  waited({ name, level }: Flow, ms: number, execute: boolean): void {
    const labels = `execute="${execute}",flow_schema="${name}",priority_level="${level.name}"`;
    this.waits.observe(labels, ms / 1000);
  }

  ran({ name, level }: Flow, ms: number, watch: boolean): void {
    const type = watch ? 'watch' : 'regular';
    this.runs.observe(`flow_schema="${name}",priority_level="${level.name}",type="${type}"`, ms / 1000);
  }
}

/** Names of FlowSchemas and levels are DNS names, so no label needs an escape. */
export function renderFlows(
  flows: readonly Flow[],
  levels: Iterable<Level>,
  total: number,
  { waits, runs }: FlowTimes,
): readonly string[] {
  const labels = ({ name, level }: Flow) => `flow_schema="${name}",priority_level="${level.name}"`;
  const all = [...levels];
  const ofFlows = (name: string, type: string, help: string, value: (flow: Flow) => number) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...flows.map((flow) => `${name}{${labels(flow)}} ${value(flow)}`),
  ];
  const ofLevels = (name: string, help: string, value: (level: Level) => number) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...all.map((level) => `${name}{priority_level="${level.name}"} ${value(level)}`),
  ];
  const prefix = 'apiserver_flowcontrol_';
  return [
    ...ofFlows(
      `${prefix}dispatched_requests_total`,
      'counter',
      'Requests that began to run.',
      ({ counts }) => counts.dispatched,
    ),
    `# HELP ${prefix}rejected_requests_total Requests that were refused.`,
    `# TYPE ${prefix}rejected_requests_total counter`,
    ...flows.flatMap((flow) =>
      [...flow.counts.rejected].map(
        ([reason, count]) => `${prefix}rejected_requests_total{${labels(flow)},reason="${reason}"} ${count}`,
      ),
    ),
    ...ofFlows(`${prefix}current_inqueue_requests`, 'gauge', 'Requests that wait.', ({ counts }) => counts.waiting),
    ...ofFlows(`${prefix}current_executing_requests`, 'gauge', 'Requests that run.', ({ counts }) => counts.executing),
    ...ofFlows(`${prefix}current_executing_seats`, 'gauge', 'Seats in use.', ({ counts }) => counts.executing),
    ...waits.render(),
    ...runs.render(),
    ...ofLevels(`${prefix}nominal_limit_seats`, 'The share of the level.', ({ seats }) => seats.nominal),
    ...ofLevels(`${prefix}lower_limit_seats`, 'Seats that the level never lends.', ({ seats }) => seats.guaranteed),
    ...ofLevels(`${prefix}upper_limit_seats`, 'The most seats that the level can have.', ({ seats }) =>
      Math.min(seats.most, total),
    ),
  ];
}
