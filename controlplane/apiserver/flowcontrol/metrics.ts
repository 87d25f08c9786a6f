// The metrics of priority and fairness, with kube-apiserver's names.
import type { Flow } from './flow-control';
import type { Level } from './level';

/** Names of FlowSchemas and levels are DNS names, so no label needs an escape. */
export function renderFlows(flows: readonly Flow[], levels: Iterable<Level>, total: number): readonly string[] {
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
    ...ofLevels(`${prefix}nominal_limit_seats`, 'The share of the level.', ({ seats }) => seats.nominal),
    ...ofLevels(`${prefix}lower_limit_seats`, 'Seats that the level never lends.', ({ seats }) => seats.guaranteed),
    ...ofLevels(`${prefix}upper_limit_seats`, 'Seats with borrowed ones.', ({ seats }) => Math.min(seats.most, total)),
  ];
}
