// ResourceQuota: the objects of a namespace use together no more than its quotas allow. The decision is made by the store, with the
// write of the object: see `together` of a Reservation.
import { type ResourceQuota, resourceQuotas } from '../../api/index';
import { formatAmounts } from '../../api/quota/amounts';
import { type Charged, charge, type Outcome } from '../../api/quota/charge';
import { evaluatorOf } from '../../api/quota/evaluators';
import { storageKind, toStored, versionsOf } from '../../api/storage';
import { objectKey } from '../../api/types';
import type { Together } from '../../store/store';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { type OpenRule, type Reservation, refusal, type Write } from '../write/rule';

/** By namespace, then by key. */
type Quotas = ReadonlyMap<string, ReadonlyMap<string, ResourceQuota>>;

const nothing: Reservation = { undo: () => undefined };

export const resourceQuota: OpenRule = async ({ cache, clock, signal }) => {
  const quotas = await followQuotas(cache, signal);
  return {
    name: 'ResourceQuota',
    concerns: ({ namespace, kind, operation, subresource, context }) =>
      quotas.has(namespace) &&
      context !== undefined &&
      (evaluatorOf(storageKind(kind))?.concerns(operation, subresource) ?? false),
    reserve(write) {
      const local = quotas.get(write.namespace);
      const charged = local && chargedBy(write, clock.now());
      if (!local || !charged) return nothing;
      // By name: so the same quota refuses each time.
      const keys = [...local.keys()].sort();
      if (!write.dryRun) return { ...nothing, together: keys.map((key) => chargeLater(key, write, charged)) };
      for (const quota of keys.map((key) => local.get(key)!)) refuseExcess(write, charge(quota, charged));
      return nothing;
    },
  };
};

function chargedBy({ kind, object, old }: Write, now: number): Charged | undefined {
  const evaluator = evaluatorOf(storageKind(kind));
  if (!evaluator || !object) return undefined;
  // Of custom objects a quota counts only how many there are, whatever their version is.
  if (versionsOf(kind)) return { evaluator, object, old, now };
  return { evaluator, object: toStored(kind, object), old: old && toStored(kind, old), now };
}

/** The store calls `change` with the present bytes of the quota, inside the transaction of the object's write. */
function chargeLater(key: string, write: Write, charged: Charged): Together {
  return {
    action: 'change',
    key: resourceQuotas.prefix + key,
    change(value) {
      const quota = JSON.parse(value.toString()) as ResourceQuota;
      const outcome = charge(quota, charged);
      refuseExcess(write, outcome);
      if (outcome.action !== 'use') return undefined;
      return Buffer.from(JSON.stringify({ ...quota, status: { ...quota.status, used: formatAmounts(outcome.used) } }));
    },
  };
}

/** @throws Forbidden */
function refuseExcess(write: Write, outcome: Outcome): void {
  if (outcome.action === 'refuse') throw refusal(write, outcome.why);
}

async function followQuotas(cache: Cache, signal: AbortSignal): Promise<Quotas> {
  const quotas = new Map<string, Map<string, ResourceQuota>>();
  const change = (previous: ResourceQuota | undefined, current: ResourceQuota | undefined) => {
    const object = (current ?? previous)!;
    const namespace = object.metadata?.namespace ?? '';
    const local = quotas.get(namespace) ?? new Map<string, ResourceQuota>();
    if (current) local.set(objectKey(object), current);
    else local.delete(objectKey(object));
    if (local.size > 0) quotas.set(namespace, local);
    else quotas.delete(namespace);
  };
  await followKind(cache, resourceQuotas, change, signal);
  return quotas;
}
