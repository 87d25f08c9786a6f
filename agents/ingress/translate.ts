// Translates API objects to the proxy's configuration: which Ingresses this agent serves, their rules and certificates, and for each Service
// port the endpoints. Also plans which Ingresses need which addresses in their status. Pure.
import { type Ingress, type IngressClass, isReady, type Node, objectKey, type Secret } from '../../controlplane/api';
import type { BackendInput } from '../../dataplane/ingress/backends';
import type { DefaultRule, PathType, RouteRule } from '../../dataplane/ingress/routes';
import type { IngressConfig } from '../../dataplane/ingress/server';
import type { TlsInput } from '../../dataplane/ingress/tls';
import { type Backend, type BackendWorld, resolveBackend } from './backend';

/** spec.controller of the IngressClasses that this agent serves. */
export const controllerName = 'k8ts.dev/ingress';
export const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class';
const legacyClassAnnotation = 'kubernetes.io/ingress.class';

export interface World extends BackendWorld {
  /** The class that this agent serves even while its IngressClass does not exist. */
  readonly className: string;
  readonly ingresses: readonly Ingress[];
  readonly classes: readonly IngressClass[];
  readonly secret: (key: string) => Secret | undefined;
}

/** A fault of an Ingress, for its author. `ingress` is its key. */
export interface Trouble {
  readonly ingress: string;
  /** The reason of an Event, in CamelCase. */
  readonly reason: string;
  readonly message: string;
}
export interface Translation extends IngressConfig {
  readonly troubles: readonly Trouble[];
}

/** True when the Ingress names a class of this controller, or no class while a class of this controller is the default. */
export function isOurs(ingress: Ingress, classes: readonly IngressClass[], className: string): boolean {
  const mine = classes.filter((one) => one.spec?.controller === controllerName);
  const name = ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.[legacyClassAnnotation];
  if (name === undefined) return mine.some((one) => one.metadata?.annotations?.[defaultClassAnnotation] === 'true');
  return name === className || mine.some((one) => one.metadata?.name === name);
}

export const ingressesOf = ({ ingresses, classes, className }: Pick<World, 'ingresses' | 'classes' | 'className'>) =>
  ingresses.filter((one) => isOurs(one, classes, className));

/** Sorted, so that equal objects give an equal configuration. */
export function translate(world: World): Translation {
  const troubles: Trouble[] = [];
  const rules: RouteRule[] = [];
  const defaults: DefaultRule[] = [];
  const tls: TlsInput[] = [];
  const used = new Map<string, BackendInput>();
  for (const ingress of ingressesOf(world).sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))) {
    const key = objectKey(ingress);
    const createdMs = Date.parse(ingress.metadata?.creationTimestamp ?? '') || 0;
    const namespace = ingress.metadata?.namespace ?? 'default';
    const use = (backend: Backend | undefined): string | undefined => {
      const resolved = backend && resolveBackend(world, namespace, backend);
      if (resolved?.trouble) troubles.push({ ingress: key, ...resolved.trouble });
      if (resolved) used.set(resolved.input.id, resolved.input);
      return resolved?.input.id;
    };
    const fallback = use(ingress.spec?.defaultBackend);
    if (fallback) defaults.push({ ingress: key, createdMs, backend: fallback });
    for (const rule of ingress.spec?.rules ?? []) {
      for (const { path, pathType, backend } of rule.http?.paths ?? []) {
        const id = use(backend);
        if (!id) continue;
        rules.push({
          ingress: key,
          createdMs,
          host: rule.host ?? '',
          path: path || '/',
          pathType: pathType as PathType,
          backend: id,
        });
      }
    }
    tls.push(...tlsOf(world, namespace, ingress, troubles));
  }
  return { rules, defaults, tls, backends: [...used.values()], troubles };
}

function tlsOf(world: World, namespace: string, ingress: Ingress, troubles: Trouble[]): TlsInput[] {
  const trouble = (reason: string, message: string): TlsInput[] => {
    troubles.push({ ingress: objectKey(ingress), reason, message });
    return [];
  };
  const ruleHosts = (ingress.spec?.rules ?? []).map((rule) => rule.host ?? '').filter((host) => host !== '');
  return (ingress.spec?.tls ?? []).flatMap(({ hosts, secretName }) => {
    // Without a Secret the entry only names hosts; the certificate for them may be in another Ingress.
    if (!secretName) return [];
    const secret = world.secret(`${namespace}/${secretName}`);
    if (!secret) return trouble('SecretNotFound', `TLS Secret ${namespace}/${secretName} does not exist`);
    const { 'tls.crt': certificate, 'tls.key': key } = secret.data ?? {};
    if (!certificate || !key) return trouble('SecretUnusable', `Secret ${objectKey(secret)} lacks tls.crt or tls.key`);
    return [
      {
        hosts: (hosts?.length ? hosts : ruleHosts).map((host) => host.toLowerCase()),
        certificate: Buffer.from(certificate, 'base64').toString(),
        key: Buffer.from(key, 'base64').toString(),
        secret: objectKey(secret),
      },
    ];
  });
}

/** The keys of the Secrets that TLS entries name. */
export function secretKeys(ingress: Ingress): string[] {
  const namespace = ingress.metadata?.namespace ?? 'default';
  return (ingress.spec?.tls ?? []).flatMap(({ secretName }) => (secretName ? [`${namespace}/${secretName}`] : []));
}

/** Ready nodes in order of name. The first writes the status of Ingresses, which shows the addresses of all of them. */
export function readyNodes(nodes: readonly Node[]): { name: string; ip: string }[] {
  return nodes
    .filter(isReady)
    .map((node) => ({
      name: node.metadata?.name ?? '',
      ip: node.status?.addresses?.find((one) => one.type === 'InternalIP')?.address ?? '',
    }))
    .filter(({ ip }) => ip !== '')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The Ingresses that this agent serves and whose status shows other addresses than `ips`. Not those that are being deleted. */
export function planStatus(
  world: Pick<World, 'ingresses' | 'classes' | 'className'>,
  ips: readonly string[],
): Ingress[] {
  return world.ingresses.filter((ingress) => {
    if (!isOurs(ingress, world.classes, world.className) || ingress.metadata?.deletionTimestamp) return false;
    const shown = (ingress.status?.loadBalancer?.ingress ?? []).map((one) => one.ip);
    return JSON.stringify(shown) !== JSON.stringify(ips);
  });
}
