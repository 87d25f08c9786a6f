// The condition Dangling of each FlowSchema: whether its priority level exists. Every server keeps it; servers agree, so a settled state
// has no writes.
import { type FlowSchema, flowSchemas, priorityLevelConfigurations } from '../../api/index';
import { type Clock, formatTime } from '../../base/clock';
import { isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import { WorkQueue } from '../../client/work-queue';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';

/** Upstream's. */
export const fieldManager = 'api-priority-and-fairness-config-consumer-v1';

type Condition = NonNullable<NonNullable<FlowSchema['status']>['conditions']>[number];

/** The condition to write; undefined when the object has it. */
export function planDangling({ spec, status }: FlowSchema, exists: boolean, nowMs: number): Condition | undefined {
  const name = JSON.stringify(spec?.priorityLevelConfiguration.name ?? '');
  const subject = `This FlowSchema references the PriorityLevelConfiguration object named ${name}`;
  const desired = exists
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${subject} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${subject} but there is no such object` };
  const found = status?.conditions?.find(({ type }) => type === desired.type);
  const isSame =
    found?.status === desired.status && found.reason === desired.reason && found.message === desired.message;
  if (isSame) return undefined;
  const since = found?.status === desired.status ? found.lastTransitionTime : undefined;
  return { ...desired, lastTransitionTime: since ?? formatTime(nowMs) };
}

export interface DanglingDeps {
  readonly cache: Cache;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Runs until the signal is aborted. */
export async function keepDangling({ cache, client, clock, log }: DanglingDeps, signal: AbortSignal): Promise<void> {
  const queue = new WorkQueue({
    name: 'priority_and_fairness_config_queue',
    clock,
    onRetry: (key, error) => log.debug('the status of a FlowSchema is written again', { key, error }),
  });
  const byLevel = (level: string) => {
    for (const { object } of cache.kind(flowSchemas).current({})) {
      if (object.spec?.priorityLevelConfiguration.name === level) queue.add(object.metadata?.name ?? '');
    }
  };
  await followKind(cache, flowSchemas, (_, current) => current && queue.add(current.metadata?.name ?? ''), signal);
  const onLevel = (previous?: { metadata?: { name?: string } }, current?: { metadata?: { name?: string } }) => {
    // Only whether it exists counts.
    if (!previous || !current) byLevel((current ?? previous)?.metadata?.name ?? '');
  };
  await followKind(cache, priorityLevelConfigurations, onLevel, signal);
  const write = async (name: string) => {
    const schema = cache.kind(flowSchemas).get(name)?.object;
    if (!schema) return;
    const uid = schema.metadata?.uid;
    const level = schema.spec?.priorityLevelConfiguration.name ?? '';
    const exists = cache.kind(priorityLevelConfigurations).get(level) !== undefined;
    const condition = planDangling(schema, exists, clock.now());
    if (!condition) return;
    const applied = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name, ...(uid ? { uid } : {}) },
    };
    await client.patch(
      flowSchemas,
      name,
      'apply',
      { ...applied, status: { conditions: [condition] } },
      {
        subresource: 'status',
        fieldManager,
        force: true,
        signal,
      },
    );
  };
  for await (const name of queue.keys(signal)) {
    await write(name).then(
      () => queue.done(name),
      (err: unknown) => queue.done(name, isNotFound(err) ? undefined : err),
    );
  }
}
