// Who is asked for the name of an ExternalName Service: names of the cluster its own name server, all others first the node's hosts
// file and then the node's name servers, as programs on the node do it.
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type Found, type ResolveName, resolveBy } from '../../dataplane/ingress/names';

export interface Resolvers {
  readonly clusterDomain: string;
  readonly cluster: ResolveName;
  readonly node: ResolveName;
  /** The text of the hosts file; '' when there is none. */
  readonly hosts: () => Promise<string>;
}

/** Names without a trailing dot, lower case; search lists play no part. */
export function resolveWith({ clusterDomain, cluster, node, hosts }: Resolvers): ResolveName {
  return async (name) => {
    if (name === clusterDomain || name.endsWith(`.${clusterDomain}`)) return cluster(name);
    const fixed = addressesInHosts(await hosts(), name);
    return fixed.length > 0 ? fixed : node(name);
  };
}

/** How long an entry of the hosts file is believed: somebody may be changing it. */
const hostsTtlSeconds = 10;

/** Source: hosts(5). */
export function addressesInHosts(text: string, name: string): Found[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const isMeant = isIP(address) !== 0 && names.some((one) => one.toLowerCase() === name);
    return isMeant ? [{ address, ttlSeconds: hostsTtlSeconds }] : [];
  });
}

export const readHosts = (): Promise<string> => readFile('/etc/hosts', 'utf8').catch(() => '');

/** Resolves nothing when there are no servers. */
export const resolveByAny = (servers: readonly string[]): ResolveName =>
  servers.length > 0 ? resolveBy(servers) : async () => [];
