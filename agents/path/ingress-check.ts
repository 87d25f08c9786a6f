// What the Ingress of a node does with a URL: which Ingress and rule has it, which certificate it shows, which Service is behind it. The route
// table is the one that the agent itself compiles.
import {
  type Ingress,
  type IngressClass,
  ingressClasses,
  ingresses,
  type Secret,
  secrets,
} from '../../controlplane/api';
import type { Hop, HopFault } from '../../controlplane/base/hops';
import { parsePath } from '../../dataplane/ingress/path';
import { compileRoutes, matchRoute, parseHost, type Route } from '../../dataplane/ingress/routes';
import { compileTls, contextFor } from '../../dataplane/ingress/tls';
import { ingressesOf, secretKeys, translate } from '../ingress/translate';
import type { ClusterReader } from './cluster';
import { faultHop } from './report';
import { keyOf } from './service-check';

export interface Url {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
}

export interface Routed {
  readonly hops: readonly Hop[];
  /** The Service and its port, by number or name, as that Ingress (NAMESPACE/NAME) has it; absent where a hop stops. */
  readonly backend?: { readonly service: string; readonly port: number | string; readonly ingress: string };
}

/** Of the agent's own options; another class is served only when an IngressClass names the controller. */
const className = 'k8ts';

export async function routeOf(url: Url, cluster: ClusterReader): Promise<Routed> {
  const [all, classes] = await Promise.all([cluster.list(ingresses), cluster.list(ingressClasses)]);
  const mine = ingressesOf({ ingresses: all, classes, className });
  const stored = url.scheme === 'https' ? await readSecrets(mine, cluster) : new Map<string, Secret>();
  const translation = translate({
    className,
    ingresses: all,
    classes,
    secret: (key) => stored.get(key),
    // Endpoints are judged by the Service's own hop.
    service: () => undefined,
    slices: () => [],
    nodes: () => [],
    ownAddresses: () => [],
    hostPods: () => [],
    servicesAt: () => [],
    refusedRanges: [],
  });
  const hops: Hop[] = [];
  if (url.scheme === 'https') {
    const tls = compileTls(translation.tls);
    const hop = tlsHop(url, { mine, served: contextFor(tls, url.host) !== undefined, stored, broken: tls.broken });
    hops.push(hop);
    if (hop.state === 'stops') return { hops };
  }
  const host = parseHost(url.host) ?? url.host;
  const path = parsePath(url.path) ?? url.path;
  const table = compileRoutes(translation.rules, translation.defaults);
  const route = matchRoute(table, host, path.replace(/\?.*/, ''));
  const name = `Ingress for ${url.scheme}://${url.host}${url.path}`;
  if (route === undefined) {
    return { hops: [...hops, faultHop('proxy', name, noRoute(url, { all, mine, classes }))] };
  }
  const hidden = table.conflicts.filter(
    ({ rule, winner }) => winner === route.ingress && rule.host === route.host && rule.path === route.path,
  );
  const facts = [
    routeText(route),
    `backend ${route.backend}`,
    ...hidden.map(
      ({ rule }) =>
        `Ingress ${rule.ingress} has the same host and path, for ${rule.backend}: the older one, ${route.ingress}, wins`,
    ),
  ];
  hops.push({ kind: 'proxy', name, state: 'passes', facts });
  return { hops, backend: { ...backendOf(route.backend), ingress: route.ingress } };
}

const routeText = ({ ingress, host, path, pathType }: Route): string =>
  `Ingress ${ingress}, ${pathType === 'Default' ? 'its default backend' : `rule ${host === '' ? 'for every host' : host} ${path} (${pathType})`}`;

/** `shop/web:80`, `shop/web:http`, `shop/web:"8080"`. */
function backendOf(id: string): Omit<NonNullable<Routed['backend']>, 'ingress'> {
  const at = id.indexOf(':');
  const port = id.slice(at + 1);
  return { service: id.slice(0, at), port: /^\d+$/.test(port) ? Number(port) : port.replaceAll('"', '') };
}

async function readSecrets(mine: readonly Ingress[], cluster: ClusterReader): Promise<ReadonlyMap<string, Secret>> {
  const keys = [...new Set(mine.flatMap(secretKeys))];
  const found = await Promise.all(keys.map(async (key) => [key, await cluster.find(secrets, key)] as const));
  return new Map(found.flatMap(([key, secret]) => (secret ? [[key, secret] as const] : [])));
}

interface TlsFacts {
  readonly mine: readonly Ingress[];
  readonly served: boolean;
  readonly stored: ReadonlyMap<string, Secret>;
  readonly broken: readonly { readonly secret: string; readonly reason: string }[];
}

function tlsHop({ host }: Url, { mine, served, stored, broken }: TlsFacts): Hop {
  const name = `TLS for ${host}`;
  if (served) return { kind: 'proxy', name, state: 'passes', facts: ['a certificate for this name is in use'] };
  for (const ingress of mine) {
    const namespace = ingress.metadata?.namespace;
    for (const { hosts = [], secretName } of ingress.spec?.tls ?? []) {
      if (!secretName || (hosts.length > 0 && !hosts.some((one) => covers(one, host)))) continue;
      const key = `${namespace}/${secretName}`;
      const unusable = broken.find(({ secret }) => secret === key);
      const secret = stored.get(key);
      const isEmpty = !secret?.data?.['tls.crt'] || !secret.data['tls.key'];
      if (secret && !isEmpty && !unusable) continue;
      const what = `Secret ${key} of Ingress ${keyOf(ingress)}`;
      const message = unusable
        ? `${what} cannot be used: ${unusable.reason}`
        : secret
          ? `${what} lacks tls.crt or tls.key`
          : `${what} does not exist`;
      const make = `kubectl create secret tls ${secretName} -n ${namespace} --cert=FILE --key=FILE`;
      // The type of a Secret cannot change, and create refuses a name that is in use.
      const remedy = secret ? `kubectl delete secret ${secretName} -n ${namespace}; ${make}` : make;
      return faultHop('proxy', name, { code: 'TlsSecretMissing', message, remedy });
    }
  }
  const message = `no Ingress has a certificate for ${host}: spec.tls of none names this host`;
  return faultHop('proxy', name, {
    code: 'NoCertificate',
    message,
    remedy: 'add the host to spec.tls of its Ingress, with a Secret',
  });
}

const covers = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1));

function noRoute(
  url: Url,
  {
    all,
    mine,
    classes,
  }: { readonly all: readonly Ingress[]; readonly mine: readonly Ingress[]; readonly classes: readonly IngressClass[] },
): HopFault {
  const withHost = (those: readonly Ingress[]) =>
    those.filter(({ spec }) => spec?.rules?.some((rule) => (rule.host ?? '') === '' || covers(rule.host!, url.host)));
  const [foreign] = withHost(all.filter((one) => !mine.includes(one)));
  const served = withHost(mine);
  if (served.length === 0 && foreign) {
    const wanted = foreign.spec?.ingressClassName;
    const has = classes.map(({ metadata }) => metadata?.name).join(', ') || 'none';
    const message = wanted
      ? `Ingress ${keyOf(foreign)} has this host, but its class ${wanted} is not served here (classes: ${has})`
      : `Ingress ${keyOf(foreign)} has this host, but names no class, and no class is the default`;
    const remedy = `kubectl patch ingress -n ${foreign.metadata?.namespace} ${foreign.metadata?.name} -p '{"spec":{"ingressClassName":"${className}"}}'`;
    return { code: 'IngressClass', message, remedy };
  }
  if (served.length === 0) {
    const hosts = [...new Set(mine.flatMap(({ spec }) => (spec?.rules ?? []).flatMap(({ host }) => host ?? [])))];
    const near = hosts.filter((one) => one.startsWith('*.') && url.host.endsWith(one.slice(1)));
    const shown = [...new Set([...near, ...hosts])].slice(0, 8).join(', ') || 'none';
    const hint = near.length > 0 ? `; ${near[0]} stands for names with exactly one label more` : '';
    const message = `no Ingress has the host ${url.host} (404); hosts: ${shown}${hint}`;
    return { code: 'NoSuchHost', message, remedy: 'kubectl get ingress -A' };
  }
  const paths = served.flatMap(({ spec }) =>
    (spec?.rules ?? []).flatMap(({ http }) =>
      (http?.paths ?? []).map(({ path = '/', pathType }) => ({ path, pathType })),
    ),
  );
  const close = paths.find(({ path, pathType }) => pathType === 'Exact' && url.path.startsWith(path));
  const message = `no rule for ${url.host} has the path ${url.path} (404); paths: ${paths
    .slice(0, 8)
    .map(({ path, pathType }) => `${path} (${pathType})`)
    .join(', ')}${close ? `; ${close.path} is Exact, so only this very path matches` : ''}`;
  const [first] = served;
  return {
    code: 'NoSuchPath',
    message,
    remedy: `kubectl edit ingress -n ${first?.metadata?.namespace} ${first?.metadata?.name}`,
  };
}
