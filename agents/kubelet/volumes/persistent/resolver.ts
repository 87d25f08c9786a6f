// From a volume of a pod that stands for a claim to what is mounted: the claim and its PersistentVolume are read from the API, as a kubelet
// may read them one by one (the node authorizer allows no list). Which pod uses which PersistentVolume is remembered until the pod's
// files are gone.
import {
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
} from '../../../../controlplane/api';
import { describeError } from '../../../../controlplane/base/errors';
import type { Client } from '../../../../controlplane/client/client';
import { ClaimError, StepError } from '../failures';
import type { Volume } from '../payload';
import type { Content } from '../plugins/plugin';
import {
  boundVolumeName,
  type ClaimUse,
  checkBinding,
  checkMode,
  checkNodeAffinity,
  checkOwner,
  checkSinglePod,
  usedVolumes,
} from './claim-checks';
import { persistentPlugins } from './list';
import { type ContentUse, isBlock } from './plugin';

export interface ResolverDeps {
  readonly client: Pick<Client, 'get'>;
  readonly rootDir: string;
  readonly ownNode: () => Node | undefined;
}

/** A volume of a pod that stands for a claim, as it was when the pod was set up. */
export interface ResolvedClaim {
  readonly content: Content;
  /** Name of the claim, in the pod's namespace. */
  readonly claimName: string;
  readonly volume: PersistentVolume;
}

export class ClaimResolver {
  /** By the pod's UID, then by the volume's name in the pod. */
  private readonly resolved = new Map<string, Map<string, ResolvedClaim>>();

  constructor(private readonly deps: ResolverDeps) {}

  /** What resolve() found last; undefined before. */
  peek(podUid: string, name: string): ResolvedClaim | undefined {
    return this.resolved.get(podUid)?.get(name);
  }

  /** The PersistentVolumes that pods of this node use. */
  inUse(): readonly ResolvedClaim[] {
    return [...this.resolved.values()].flatMap((volumes) => [...volumes.values()]);
  }

  /** @throws ClaimError, StepError */
  async resolve(pod: Pod, { name }: Volume, use: ClaimUse, signal: AbortSignal): Promise<ResolvedClaim> {
    const found = await this.find(pod, name, use, signal);
    const uid = pod.metadata?.uid ?? '';
    if (this.usedElsewhere(uid, found.volume)) checkSinglePod(found.volume);
    checkNodeAffinity(found.volume, this.deps.ownNode());
    checkMountOptions(found.volume);
    const volumes = this.resolved.get(uid) ?? new Map<string, ResolvedClaim>();
    this.resolved.set(uid, volumes.set(name, found));
    return found;
  }

  /** The pod's files are gone. */
  forget(podUid: string): void {
    this.resolved.delete(podUid);
  }

  private async find(pod: Pod, name: string, use: ClaimUse, signal: AbortSignal): Promise<ResolvedClaim> {
    const { rootDir } = this.deps;
    const { claimName, readOnly } = use;
    const { claim, volume } = await this.read(pod, use, signal);
    checkMode(volume, name, usedVolumes(pod));
    const content = contentOfVolume(volume, { readOnly, rootDir, claim });
    if (content) return { content, claimName: claim.metadata?.name ?? claimName, volume };
    const shown = `failed to get Plugin from volumeSpec for volume "${volume.metadata?.name}" err=no volume plugin matched`;
    throw new ClaimError(shown);
  }

  private async read(pod: Pod, { claimName, isEphemeral }: ClaimUse, signal: AbortSignal) {
    const { client } = this.deps;
    const key = `${pod.metadata?.namespace}/${claimName}`;
    const processing = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (cause) {
        signal.throwIfAborted();
        throw new ClaimError(`error processing PVC ${key}: ${describeError(cause)}`, { cause });
      }
    };
    const claim = await processing(async () => {
      const found: PersistentVolumeClaim = await reading('PVC', client.get(persistentVolumeClaims, key, signal));
      boundVolumeName(found);
      return found;
    });
    if (isEphemeral) checkOwner(pod, claim);
    const volume = await processing(async () => {
      const name = boundVolumeName(claim);
      const found: PersistentVolume = await reading(`PV ${name}`, client.get(persistentVolumes, name, signal));
      checkBinding(found, claim);
      return found;
    });
    return { claim, volume };
  }

  private usedElsewhere(podUid: string, { metadata }: PersistentVolume): boolean {
    return [...this.resolved].some(
      ([uid, volumes]) =>
        uid !== podUid && [...volumes.values()].some(({ volume }) => volume.metadata?.name === metadata?.name),
    );
  }
}

async function reading<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new ClaimError(`failed to fetch ${what} from API server: ${describeError(cause)}`, { cause });
  }
}

function contentOfVolume(volume: PersistentVolume, use: ContentUse): Content | undefined {
  for (const plugin of persistentPlugins) {
    const content = plugin.content(volume, use);
    if (content) return content;
  }
  return undefined;
}

function checkMountOptions(volume: PersistentVolume): void {
  const taken = persistentPlugins.some(
    (plugin) => plugin.supportsMountOptions && plugin.content(volume, { readOnly: true, rootDir: '/' }),
  );
  if (taken || isBlock(volume) || !volume.spec?.mountOptions?.length) return;
  const message = 'mount options are not supported for this volume type';
  throw new StepError('MountVolume.MountOptionSupport check failed', message, volume.metadata?.name);
}
