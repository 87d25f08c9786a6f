// Resolves the name of an ExternalName Service: a name of the cluster by the cluster's own name server, any other name by the
// node's hosts file and then by the node's name servers, as programs on the node do.
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { nameServersIn, readHostResolvConf } from '../../dataplane/dns/resolv-conf';
import { type Found, type ResolveName, resolveBy } from '../../dataplane/ingress/names';

export interface Resolvers {
  readonly clusterDomain: string;
  readonly cluster: ResolveName;
  readonly node: ResolveName;
  /** The text of the hosts file; '' when there is none. */
  readonly hosts: () => Promise<string>;
}

export interface ResolverOptions {
  readonly clusterDomain: string;
  readonly clusterDns: readonly string[];
  readonly nodeIp: string;
  readonly resolvConf: string;
}

/**
 * From the options and files of this machine. Without `clusterDns`, the name server at the node's own address resolves names of
 * the cluster.
 */
export async function openResolver({
  clusterDomain,
  clusterDns,
  nodeIp,
  resolvConf,
}: ResolverOptions): Promise<ResolveName> {
  return resolveWith({
    clusterDomain,
    cluster: resolveByAny(clusterDns.length > 0 ? clusterDns : [nodeIp]),
    node: resolveByAny(nameServersIn(await readHostResolvConf(resolvConf))),
    hosts: readHosts,
  });
}

/** Takes names in lower case without a trailing dot. Search lists are not used. */
export function resolveWith({ clusterDomain, cluster, node, hosts }: Resolvers): ResolveName {
  return async (name) => {
    if (name === clusterDomain || name.endsWith(`.${clusterDomain}`)) return cluster(name);
    const fixed = addressesInHosts(await hosts(), name);
    return fixed.length > 0 ? fixed : node(name);
  };
}

/** How long an entry of the hosts file is kept before the file is read again. */
const hostsTtlSeconds = 10;

/** Source: hosts(5). */
export function addressesInHosts(text: string, name: string): Found[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const isMeant = isIP(address) !== 0 && names.some((one) => one.toLowerCase() === name);
    return isMeant ? [{ address, ttlSeconds: hostsTtlSeconds }] : [];
  });
}

const readHosts = (): Promise<string> => readFile('/etc/hosts', 'utf8').catch(() => '');

/** Without servers no name resolves. */
const resolveByAny = (servers: readonly string[]): ResolveName =>
  servers.length > 0 ? resolveBy(servers) : async () => [];
