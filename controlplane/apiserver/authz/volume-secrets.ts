// The Secrets that kubelets need for the volumes of CSI drivers, by the claims to which these volumes are bound. As upstream, those of the
// driver's controller are not among them.
import { type PersistentVolume, persistentVolumes } from '../../api/index';
import { compositeKey } from '../../base/composite-key';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';

interface ClaimName {
  readonly namespace: string;
  readonly name: string;
}

export class VolumeSecrets {
  /** Key of a Secret → name of a volume → its claim. */
  private readonly claims = new Map<string, Map<string, ClaimName>>();

  constructor(private readonly cache: Cache) {}

  /** Resolves when all volumes are known. */
  async start(signal: AbortSignal): Promise<void> {
    await followKind(
      this.cache,
      persistentVolumes,
      (previous, current) => {
        if (previous) this.remove(previous);
        if (current) this.add(current);
      },
      signal,
    );
  }

  /** The claims whose volumes need the Secret on nodes. */
  claimsWith(namespace: string, name: string): Iterable<ClaimName> {
    return this.claims.get(compositeKey(namespace, name))?.values() ?? [];
  }

  private add(volume: PersistentVolume): void {
    const { name: claim, namespace } = volume.spec?.claimRef ?? {};
    if (!claim || !namespace) return;
    for (const key of secretsOf(volume)) {
      const volumes = this.claims.get(key) ?? new Map<string, ClaimName>();
      this.claims.set(key, volumes.set(volume.metadata?.name ?? '', { namespace, name: claim }));
    }
  }

  private remove(volume: PersistentVolume): void {
    for (const key of secretsOf(volume)) {
      const volumes = this.claims.get(key);
      volumes?.delete(volume.metadata?.name ?? '');
      if (volumes?.size === 0) this.claims.delete(key);
    }
  }
}

function secretsOf({ spec }: PersistentVolume): readonly string[] {
  const { nodePublishSecretRef, nodeStageSecretRef, nodeExpandSecretRef } = spec?.csi ?? {};
  return [nodePublishSecretRef, nodeStageSecretRef, nodeExpandSecretRef].flatMap((ref) =>
    ref?.name && ref.namespace ? [compositeKey(ref.namespace, ref.name)] : [],
  );
}
