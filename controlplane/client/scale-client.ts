// Reads and writes the scale of an object that another object names, for every kind that has the subresource scale.
import type { V1Scale } from '@kubernetes/client-node';
import type { Catalog } from '../api/catalog';
import type { Kind } from '../api/kind';
import type { KubeObject, OwnerReference, Wire } from '../api/types';
import { isNotFound, NotFound } from '../base/errors';
import type { Client } from './client';

/** Every kind with the subresource scale has the number in this field. */
interface Scalable extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

type Scale = Wire<V1Scale>;

/** The scale of an object, as it was read. */
export interface FoundScale {
  readonly kind: Kind;
  readonly scale: Scale;
  /** Desired by the spec of the object. */
  readonly replicas: number;
  /** '' when the object names none. */
  readonly selector: string;
}

export class ScaleClient {
  constructor(
    private readonly client: Client,
    private readonly catalog: Catalog,
  ) {}

  /**
   * The desired number of replicas; undefined when no object has this name and uid. @throws NotFound, in upstream's words, when the
   * kind is not served or has no scale; all other errors of the client
   */
  async replicasOf(namespace: string, reference: OwnerReference, signal?: AbortSignal): Promise<number | undefined> {
    const { apiVersion, kind: kindName, name, uid } = reference;
    const kind = this.catalog.byKind(apiVersion, kindName);
    if (!kind) throw new NotFound(`no matches for kind "${kindName}" in version "${apiVersion}"`);
    if (!kind.options.subresources?.some((subresource) => subresource.name === 'scale')) {
      const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
      throw new NotFound(`${resource} does not implement the scale subresource`);
    }
    try {
      const found: Scalable = await this.client.get(kind, `${namespace}/${name}`, signal);
      return found.metadata?.uid === uid ? (found.spec?.replicas ?? 0) : undefined;
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  /** @throws NotFound when the kind is not served or has no scale; all errors of the client */
  async scaleOf(
    namespace: string,
    {
      apiVersion = '',
      kind: kindName,
      name,
    }: { readonly apiVersion?: string; readonly kind: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<FoundScale> {
    const kind = this.catalog.byKind(apiVersion, kindName);
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    if (!kind) throw new NotFound(`no matches for kind "${kindName}" in group "${group}"`);
    const hasScale = kind.options.subresources?.some((subresource) => subresource.name === 'scale');
    if (!hasScale) throw new NotFound('the server could not find the requested resource');
    const scale: Scale = await this.client.get<Scale>(kind, `${namespace}/${name}`, signal, 'scale');
    return { kind, scale, replicas: scale.spec?.replicas ?? 0, selector: scale.status?.selector ?? '' };
  }

  /** @throws Conflict when the object has changed since the scale was read */
  async resize({ kind, scale }: FoundScale, replicas: number, signal: AbortSignal): Promise<void> {
    const { namespace, name, resourceVersion } = scale.metadata ?? {};
    const patch = { metadata: { resourceVersion }, spec: { replicas } };
    await this.client.patch(kind, `${namespace}/${name}`, 'merge', patch, { subresource: 'scale', signal });
  }
}
