// The ingress authorizer: the process that ends TLS on each node may read the Secrets that Ingresses name in spec.tls, each by
// its name, as a kubelet reads the Secrets of its pods. Every node can have this identity, so it may do nothing more.
import { type Ingress, ingresses, secrets } from '../../api/index';
import { compositeKey } from '../../base/composite-key';
import { ingressUser } from '../../pki/signers';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { UserInfo } from '../request';
import type { Authorizer, ResourceAttributes } from './authorizer';

const reads: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

export class IngressAuthorizer implements Authorizer {
  /** Per Secret (namespace and name): how many Ingresses name it. */
  private readonly named = new Map<string, number>();

  constructor(private readonly cache: Cache) {}

  /** Resolves when all Ingresses are known. */
  async start(signal: AbortSignal): Promise<void> {
    await followKind(
      this.cache,
      ingresses,
      (previous, current) => {
        if (current) this.count(current, 1);
        if (previous) this.count(previous, -1);
      },
      signal,
    );
  }

  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean {
    const { verb, group, resource, subresource, namespace, name, selectedName = '' } = attributes;
    if (user.name !== ingressUser || !reads.has(verb)) return false;
    if (group !== secrets.group || resource !== secrets.plural || subresource !== '') return false;
    const secret = name === '' ? selectedName : name;
    return secret !== '' && this.named.has(compositeKey(namespace, secret));
  }

  allowsPath(): boolean {
    return false;
  }

  private count({ metadata, spec }: Ingress, by: 1 | -1): void {
    const names = new Set((spec?.tls ?? []).map(({ secretName = '' }) => secretName));
    for (const name of names) {
      const key = compositeKey(metadata?.namespace ?? '', name);
      const count = (this.named.get(key) ?? 0) + by;
      if (count > 0) this.named.set(key, count);
      else this.named.delete(key);
    }
  }
}
