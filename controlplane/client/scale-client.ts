// Reads the scale of the object that an owner reference names, for every kind that has the subresource scale.
import type { Catalog } from '../api/catalog';
import type { KubeObject, OwnerReference } from '../api/types';
import { isNotFound } from '../base/errors';
import type { Client } from './client';

/** Every kind with the subresource scale has the number in this field. */
interface Scalable extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

export class ScaleClient {
  constructor(
    private readonly client: Client,
    private readonly catalog: Catalog,
  ) {}

  /**
   * The desired number of replicas. 0 when the kind has no scale, or when no object has this name and uid. @throws all other
   * errors of the client
   */
  async replicasOf(namespace: string, reference: OwnerReference, signal?: AbortSignal): Promise<number> {
    const { apiVersion, kind: kindName, name, uid } = reference;
    const kind = this.catalog.byKind(apiVersion, kindName);
    if (!kind?.options.subresources?.some((subresource) => subresource.name === 'scale')) return 0;
    try {
      const found: Scalable = await this.client.get(kind, `${namespace}/${name}`, signal);
      return found.metadata?.uid === uid ? (found.spec?.replicas ?? 0) : 0;
    } catch (err) {
      if (isNotFound(err)) return 0;
      throw err;
    }
  }
}
