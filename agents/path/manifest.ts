// The objects of a manifest, YAML or JSON, and which of them have a part in the way of a packet. Pure, but for the parser that is given.
import {
  daemonSets,
  deployments,
  endpointSlices,
  ingressClasses,
  ingresses,
  namespaces,
  networkPolicies,
  pods,
  replicaSets,
  services,
  statefulSets,
} from '../../controlplane/api';
import type { KindRef } from '../../controlplane/api/kind';
import type { KubeObject } from '../../controlplane/api/types';
import { BadRequest } from '../../controlplane/base/errors';

export const maxManifestBytes = 256 * 1024;
/** Each is tried out by a request of its own. */
const maxObjects = 200;

/** One document of YAML as a value. @throws BadRequest */
export type ParseYaml = (document: string) => unknown;

/** Namespaces first: others are in them. */
const concerned: readonly KindRef<KubeObject>[] = [
  namespaces,
  services,
  endpointSlices,
  networkPolicies,
  ingressClasses,
  ingresses,
  pods,
  deployments,
  statefulSets,
  daemonSets,
  replicaSets,
];

export interface Wanted {
  readonly kind: KindRef<KubeObject>;
  /** NAMESPACE/NAME, or NAME. */
  readonly key: string;
  readonly object: KubeObject;
}

export interface Manifest {
  readonly wanted: readonly Wanted[];
  /** `ConfigMap shop/settings`: what changes no packet's way. */
  readonly ignored: readonly string[];
}

const apiVersionOf = ({ group, version }: KindRef): string => (group === '' ? version : `${group}/${version}`);

/** @param namespace of objects without one. @throws BadRequest */
export async function readManifest(texts: readonly string[], namespace: string, parse: ParseYaml): Promise<Manifest> {
  const wanted: Wanted[] = [];
  const ignored: string[] = [];
  if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxManifestBytes)
    throw new BadRequest(`a manifest has at most ${maxManifestBytes / 1024} KiB here`);
  for (const object of await objectsOf(texts.flatMap(documentsOf), parse)) {
    const { apiVersion = '', kind: name = '', metadata = {} } = object;
    if (!metadata.name) throw new BadRequest(`${name || 'an object'} of the manifest has no metadata.name`);
    const kind = concerned.find((one) => one.kind === name && apiVersionOf(one) === apiVersion);
    const space = metadata.namespace ?? namespace;
    if (kind === undefined) {
      ignored.push(`${name} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`);
      continue;
    }
    const key = kind.namespaced ? `${space}/${metadata.name}` : metadata.name;
    if (wanted.some((one) => one.kind === kind && one.key === key))
      throw new BadRequest(`${name} ${key} is in the manifest twice`);
    wanted.push({
      kind,
      key,
      object: kind.namespaced ? { ...object, metadata: { ...metadata, namespace: space } } : object,
    });
  }
  if (texts.length > 0 && wanted.length + ignored.length === 0) throw new BadRequest('the manifest has no object');
  return { wanted: wanted.toSorted((a, b) => concerned.indexOf(a.kind) - concerned.indexOf(b.kind)), ignored };
}

/** Lines of `---` are between documents: inside one they would be indented. */
const documentsOf = (text: string): readonly string[] =>
  text.split(/^---(?=[ \t\r\n]|$)/m).filter((document) => document.split('\n').some(saysSomething));

function saysSomething(line: string): boolean {
  const words = line.trim();
  return words !== '' && !words.startsWith('#');
}

async function objectsOf(documents: readonly string[], parse: ParseYaml): Promise<readonly KubeObject[]> {
  const found: KubeObject[] = [];
  for (const document of documents) {
    const value = await parse(document);
    if (value !== null && value !== undefined) found.push(...flattened(value));
    if (found.length > maxObjects) throw new BadRequest(`a manifest has at most ${maxObjects} objects here`);
  }
  return found;
}

function flattened(value: unknown): readonly KubeObject[] {
  const object = asObject(value) as KubeObject & { readonly items?: readonly unknown[] };
  return object.kind === 'List' && Array.isArray(object.items) ? object.items.map(asObject) : [object];
}

function asObject(value: unknown): KubeObject {
  const object = value as KubeObject | null;
  if (typeof object !== 'object' || object === null || typeof object.kind !== 'string')
    throw new BadRequest('the manifest has a document that is no object of the API: it has no kind');
  return object;
}

const shortNames: Readonly<Record<string, KindRef<KubeObject>>> = {
  svc: services,
  netpol: networkPolicies,
  ing: ingresses,
  ns: namespaces,
  po: pods,
  deploy: deployments,
  sts: statefulSets,
  ds: daemonSets,
  rs: replicaSets,
};

/** `svc/web`, `networkpolicy/shop/deny`: an object that would be deleted. @throws BadRequest */
export function readWithout(
  text: string,
  namespace: string,
): { readonly kind: KindRef<KubeObject>; readonly key: string } {
  const [word = '', ...names] = text.split('/');
  const kind =
    concerned.find((one) => one.kind.toLowerCase() === word.toLowerCase() || one.plural === word.toLowerCase()) ??
    (Object.hasOwn(shortNames, word) ? shortNames[word] : undefined);
  const isName = names.length === 1 || (names.length === 2 && kind?.namespaced);
  if (
    kind === undefined ||
    kind === namespaces ||
    !isName ||
    names.some((name) => !/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(name))
  ) {
    throw new BadRequest(
      `${JSON.stringify(text)}: expected KIND/NAME or KIND/NAMESPACE/NAME of a Service, NetworkPolicy, Ingress, pod or workload`,
    );
  }
  return { kind, key: kind.namespaced && names.length === 1 ? `${namespace}/${names[0]}` : names.join('/') };
}
