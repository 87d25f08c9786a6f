// What the API server would make of a manifest: each object is applied as `kubectl apply` would, but as a dry run and as the caller. So
// defaults, allocated ports and every refusal are the server's own.

import { namespaces, type Service, services } from '../../controlplane/api';
import type { KubeObject } from '../../controlplane/api/types';
import { formatAddress, parseAddress } from '../../controlplane/base/cidr';
import { AppError, BadRequest, describeError, hasCode } from '../../controlplane/base/errors';
import type { ObjectChange } from '../../controlplane/base/path-report';
import type { ClusterReader } from './cluster';
import type { Wanted } from './manifest';
import { lastApplied, patchFor } from './three-way';

export interface Rehearsed extends Pick<Wanted, 'kind' | 'key'> {
  /** Today; undefined: there is none. */
  readonly before: KubeObject | undefined;
  /** Undefined: it would be deleted. */
  readonly after: KubeObject | undefined;
  readonly change: ObjectChange['change'];
  readonly note?: string;
}

/** A user who may not make the change: the role of `k8ts path` would not help. */
export class ChangeRefused extends AppError {}

/** Fields that the server writes: a manifest that was read from a cluster has them. */
const own = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'];

/** @throws ChangeRefused, BadRequest for what the server does not take */
export async function rehearse(wanted: readonly Wanted[], cluster: ClusterReader): Promise<readonly Rehearsed[]> {
  const done: Rehearsed[] = [];
  for (const one of wanted) {
    const before = await attempt(one, () => cluster.find(one.kind, one.key));
    const isNewSpace = done.some(
      ({ kind, key, change }) => kind === namespaces && key === one.object.metadata?.namespace && change === 'created',
    );
    const object = cleaned(one.object);
    const after = await attempt(one, () => {
      if (before !== undefined) return change(one, object, before, cluster);
      return isNewSpace ? createElsewhere(one, object, cluster) : cluster.client.create(one.kind, object, dryRun);
    });
    done.push(await rehearsed(one, before, after, { isNewSpace, done, cluster }));
  }
  return done;
}

const fieldManager = 'k8ts-what-if';
/** Strict, as kubectl sends it. */
const trial = { dryRun: true, fieldValidation: 'Strict' } as const;
const dryRun = { ...trial, fieldManager };

function change(
  { kind, key }: Wanted,
  object: KubeObject,
  before: KubeObject,
  { client }: ClusterReader,
): Promise<KubeObject> {
  // An object that is applied on the server has an owner for each field: its manager would apply it again.
  const manager = before.metadata?.managedFields?.find(({ operation }) => operation === 'Apply')?.manager;
  if (manager !== undefined && lastApplied(before) === undefined)
    return client.patch(kind, key, 'apply', object, { ...trial, fieldManager: manager, force: true });
  return client.patch(kind, key, 'strategic', patchFor(object, before), dryRun);
}

/** The server takes no object in a Namespace that does not exist: it is tried where one exists, under another name. */
async function createElsewhere({ kind }: Wanted, object: KubeObject, { client }: ClusterReader): Promise<KubeObject> {
  const { name = '', namespace = '', ...metadata } = object.metadata ?? {};
  const tried = { ...object, metadata: { ...metadata, generateName: `${name.slice(0, 40)}-`, namespace: 'default' } };
  const made = await client.create(kind, tried, dryRun);
  const { generateName: _, ...given } = made.metadata ?? {};
  return { ...made, metadata: { ...given, name, namespace } };
}

/** @throws ChangeRefused, Unavailable, BadRequest */
export async function attempt<T>({ kind, key }: Pick<Wanted, 'kind' | 'key'>, apply: () => Promise<T>): Promise<T> {
  try {
    return await apply();
  } catch (error) {
    const message = `${kind.kind} ${key} cannot be tried out: ${describeError(error)}`;
    if (hasCode(error, 'Forbidden')) throw new ChangeRefused('Forbidden', message, { cause: error });
    if (hasCode(error, 'Unavailable')) throw error;
    throw new BadRequest(message, { cause: error });
  }
}

interface Around {
  readonly isNewSpace: boolean;
  readonly done: readonly Rehearsed[];
  readonly cluster: ClusterReader;
}

async function rehearsed(
  { kind, key, object }: Wanted,
  before: KubeObject | undefined,
  after: KubeObject,
  { isNewSpace, done, cluster }: Around,
): Promise<Rehearsed> {
  const notes = isNewSpace ? ['checked in Namespace default, because its own does not exist yet'] : [];
  let made = after;
  if (kind === services) {
    const addresses = await standIns({ object, before, after }, done, cluster);
    if (addresses !== undefined) {
      made = withClusterIps(after, addresses);
      notes.push(`ClusterIP ${addresses.join(', ')} stands for what it would get`);
    }
  }
  const same = before !== undefined && sameContent(before, made);
  const change = before === undefined ? 'created' : same ? 'unchanged' : 'changed';
  return { kind, key, before, after: made, change, ...(notes.length > 0 ? { note: notes.join('; ') } : {}) };
}

/**
 * A dry run allocates no ClusterIP and says the first address of the range, each time: another free one takes its place. Undefined: it has
 * none to replace.
 */
async function standIns(
  { object, before, after }: Versions,
  done: readonly Rehearsed[],
  cluster: ClusterReader,
): Promise<readonly string[] | undefined> {
  const given = ipsOf(after);
  const known = new Set(['', 'None', ...ipsOf(object), ...ipsOf(before)]);
  if (given.every((address) => known.has(address))) return undefined;
  const taken = new Set([...(await cluster.services()), ...done.map((one) => one.after)].flatMap(ipsOf));
  return given.map((address) => (known.has(address) ? address : freeNear(address, taken)));
}

interface Versions {
  readonly object: KubeObject;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
}

const ipsOf = (one: KubeObject | undefined): readonly string[] => {
  const { clusterIP, clusterIPs } = (one as Service | undefined)?.spec ?? {};
  return clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
};

/** Of the next addresses the first that no Service has. */
function freeNear(first: string, taken: ReadonlySet<string>): string {
  const { family, value } = parseAddress(first);
  for (let i = 2n; i < 250n; i++) {
    const address = formatAddress({ family, value: value + i });
    if (!taken.has(address)) return address;
  }
  return first;
}

const withClusterIps = (object: KubeObject, clusterIPs: readonly string[]): KubeObject =>
  ({ ...object, spec: { ...(object as Service).spec, clusterIP: clusterIPs[0], clusterIPs } }) as KubeObject;

function cleaned(object: KubeObject): KubeObject {
  const { status: _, ...rest } = object as KubeObject & { readonly status?: unknown };
  const metadata = Object.fromEntries(Object.entries(object.metadata ?? {}).filter(([name]) => !own.includes(name)));
  return { ...rest, metadata };
}

function sameContent(before: KubeObject, after: KubeObject): boolean {
  const content = (object: KubeObject) => {
    const { metadata = {}, ...rest } = object;
    return JSON.stringify([metadata.labels, metadata.annotations, sorted({ ...rest, status: undefined })]);
  };
  return content(before) === content(after);
}

/** Keys in order, at each level. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
