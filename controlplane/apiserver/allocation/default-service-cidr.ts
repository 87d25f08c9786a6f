// The ServiceCIDR of the server's own ranges, `kubernetes`: created when it is missing, extended when the cluster gets a second family, and
// reported ready while no controller has judged it. An object with other ranges stays as it is, as upstream.
import { isDeepStrictEqual } from 'node:util';
import { type ServiceCIDR, serviceCidrs } from '../../api/index';
import { defaultServiceCidr as name } from '../../api/service-cidrs/facts';
import { formatTime } from '../../base/clock';
import { isAlreadyExists, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';

/** The owner of the condition in managedFields; upstream's name. */
const fieldManager = 'kubernetes-service-cidr-controller';

export interface DefaultRanges {
  /** The ranges of ClusterIPs, the default family first. */
  readonly serviceCidrs: readonly string[];
  readonly now: () => number;
}

/** Safe to run at any time, and by several servers at once. @throws Conflict when another writer was faster */
export async function ensureServiceCidr(client: Client, { serviceCidrs: ranges, now }: DefaultRanges): Promise<void> {
  const { apiVersion, kind } = serviceCidrs;
  const found = await find(client);
  const before = found?.spec?.cidrs ?? [];
  if (found && ranges.length === 2 && before.length === 1 && before[0] === ranges[0]) {
    await client.update(serviceCidrs, { ...found, spec: { cidrs: [...ranges] } });
    return;
  }
  const object = found ?? (await create(client, ranges));
  if (!object || !needsCondition(object, ranges)) return;
  const message = 'Kubernetes default Service CIDR is ready';
  const condition = { type: 'Ready', status: 'True', message, lastTransitionTime: formatTime(now()) };
  const patch = { apiVersion, kind, metadata: { name }, status: { conditions: [condition] } };
  await client.patch(serviceCidrs, name, 'apply', patch, { subresource: 'status', fieldManager, force: true });
}

/** The ranges of the object that is there, where they are not those of this server: addresses come from them, and all servers need the same. */
export async function otherRanges(client: Client, ranges: readonly string[]): Promise<readonly string[] | undefined> {
  const present = (await find(client))?.spec?.cidrs;
  return present === undefined || isDeepStrictEqual(present, [...ranges]) ? undefined : present;
}

/** A condition that says no is another writer's: it is not contradicted. */
function needsCondition({ metadata, spec, status }: ServiceCIDR, ranges: readonly string[]): boolean {
  if (metadata?.deletionTimestamp || !isDeepStrictEqual(spec?.cidrs, [...ranges])) return false;
  const present = status?.conditions?.find(({ type }) => type === 'Ready');
  return present === undefined || present.status === 'Unknown';
}

async function find(client: Client): Promise<ServiceCIDR | undefined> {
  return client.get(serviceCidrs, name).catch((err: unknown) => {
    if (isNotFound(err)) return undefined;
    throw err;
  });
}

async function create(client: Client, ranges: readonly string[]): Promise<ServiceCIDR | undefined> {
  try {
    return await client.create(serviceCidrs, { metadata: { name }, spec: { cidrs: [...ranges] } });
  } catch (err) {
    // Another server was faster.
    if (isAlreadyExists(err)) return find(client);
    throw err;
  }
}
