// Since when a rule can be as it is: no kernel keeps the time of a rule, but the object that it was written for says when it was created or
// last changed. Status does not count.
import { networkPolicies } from '../../controlplane/api/network-policy';
import { services } from '../../controlplane/api/service';
import type { KubeObject } from '../../controlplane/api/types';
import type { HopRule } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { ClusterReader } from './cluster';

const kinds = { Service: services, NetworkPolicy: networkPolicies } as const;
/** Of one path; it meets few objects, but a user may have written many policies. */
const maxObjects = 30;

/** The same hops, their rules with `since`. An object that the caller may not read, or that is gone, leaves it out. */
export async function withSince(hops: readonly LocatedHop[], cluster: ClusterReader): Promise<readonly LocatedHop[]> {
  const named = hops.flatMap(({ rules = [] }) =>
    rules.flatMap(({ objects }) => objects.flatMap((text) => nameOf(text) ?? [])),
  );
  const wanted = [...new Set(named)].slice(0, maxObjects);
  const times = new Map(await Promise.all(wanted.map(async (name) => [name, await timeOf(name, cluster)] as const)));
  const dated = (rule: HopRule): HopRule => {
    const found = rule.objects.flatMap((text) => times.get(nameOf(text) ?? '') ?? []);
    const since = found.sort().at(-1);
    return since === undefined ? rule : { ...rule, since };
  };
  return hops.map((hop) => (hop.rules ? { ...hop, rules: hop.rules.map(dated) } : hop));
}

/** `Service shop/web` of `Service shop/web:http -> 10.0.0.1:80`; undefined for other objects. */
function nameOf(text: string): string | undefined {
  const [, kind, key] = /^(Service|NetworkPolicy) ([^ :]+)/.exec(text) ?? [];
  return key === undefined ? undefined : `${kind} ${key}`;
}

async function timeOf(name: string, cluster: ClusterReader): Promise<string | undefined> {
  const [kind = '', key = ''] = name.split(' ');
  const object: KubeObject | undefined = await cluster
    .find<KubeObject>(kinds[kind as keyof typeof kinds], key)
    // The path is right without it.
    .catch(() => undefined);
  return object && changedAt(object);
}

/** RFC 3339: when it was created, or when another field than those of status was written last. */
export function changedAt({ metadata }: KubeObject): string | undefined {
  const writes = (metadata?.managedFields ?? []).flatMap(({ subresource, time }) =>
    subresource || time === undefined ? [] : [String(time)],
  );
  return [metadata?.creationTimestamp, ...writes]
    .filter((time) => time !== undefined)
    .sort()
    .at(-1);
}
