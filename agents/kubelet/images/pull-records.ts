// Which images this kubelet pulled, and with whose credentials: a pod gets an image that is on the node already only if it may pull
// it (KEP-2535, KubeletEnsureSecretPulledImages). Images that came another way (docker load) are for all pods. Kept in a file, so that
// a kubelet that starts again remembers.
import type { Logger } from '../../../controlplane/base/logger';
import { readState, StateFile } from '../state-file';
import type { CredentialSource } from './credentials';
import { parseImageName } from './image-name';

/** Further Secrets of one image are not remembered: their pods pull again. */
const maxSources = 100;

/** Who may use one image under one name without a pull. */
interface Access {
  /** A pull without credentials succeeded. */
  readonly everyPod?: boolean;
  readonly secrets: readonly CredentialSource[];
}
interface Stored {
  /** References whose pull has begun: an image that appears meanwhile is not one that came another way. */
  readonly pulling: readonly string[];
  /** By image ID, then by the name without tag and digest. */
  readonly pulled: Readonly<Record<string, Readonly<Record<string, Access>>>>;
}

export class PullRecords {
  private readonly file: StateFile;
  private readonly underWay = new Map<string, number>();

  private constructor(
    path: string,
    log: Logger,
    private readonly unfinished: Set<string>,
    private readonly pulled: Map<string, Map<string, Access>>,
  ) {
    this.file = new StateFile({ path, log, what: 'image pulls', text: () => JSON.stringify(this.stored()) });
  }

  /** A file that is missing or damaged counts as empty: then the images of this node are for all its pods. */
  static async open(path: string, log: Logger): Promise<PullRecords> {
    const found = await readState({ path, log, effect: 'images on this node are for all its pods' }, (text) => {
      const { pulling, pulled } = JSON.parse(text) as Stored;
      const entries = Object.entries(pulled).map(([id, names]) => [id, new Map(Object.entries(names))] as const);
      return { pulling: new Set(pulling), pulled: new Map(entries) };
    });
    return new PullRecords(path, log, found?.pulling ?? new Set(), found?.pulled ?? new Map());
  }

  /** Whether a pod with these credentials may use the image that is on the node without a pull. */
  allows(reference: string, imageId: string, sources: () => readonly CredentialSource[]): boolean {
    const names = this.pulled.get(imageId);
    if (!names) return !this.unfinished.has(reference) && !this.underWay.has(reference);
    const access = names.get(nameOf(reference));
    if (!access) return false;
    if (access.everyPod) return true;
    const own = sources().find((one) =>
      access.secrets.some((known) => known.hash === one.hash || isSameSecret(known, one)),
    );
    if (!own) return false;
    if (access.secrets.length < maxSources) this.add(reference, imageId, own);
    return true;
  }

  /** Resolves when the file says that the pull begins. */
  async begin(reference: string): Promise<void> {
    const count = this.underWay.get(reference) ?? 0;
    this.underWay.set(reference, count + 1);
    if (count === 0) this.file.save();
    await this.file.saved();
  }

  /** The pull that begin() announced failed. */
  failed(reference: string): void {
    this.end(reference);
    this.file.save();
  }

  /** The pull succeeded with these credentials, or with none. */
  succeeded(reference: string, imageId: string, source: CredentialSource | undefined): void {
    this.end(reference);
    this.unfinished.delete(reference);
    this.add(reference, imageId, source);
    this.file.save();
  }

  /** Image IDs with a record. */
  known(): readonly string[] {
    return [...this.pulled.keys()];
  }

  /** Removes the records of images that are no longer on the node. */
  forget(imageIds: readonly string[]): void {
    for (const id of imageIds) if (this.pulled.delete(id)) this.file.save();
  }

  /** As StateFile.saved(). */
  saved(): Promise<void> {
    return this.file.saved();
  }

  private add(reference: string, imageId: string, source: CredentialSource | undefined): void {
    const names = this.pulled.get(imageId) ?? new Map<string, Access>();
    this.pulled.set(imageId, names);
    const name = nameOf(reference);
    const before = names.get(name);
    if (before?.everyPod) return;
    if (!source) names.set(name, { everyPod: true, secrets: [] });
    else {
      if (before?.secrets.some((known) => isSameSecret(known, source) && known.hash === source.hash)) return;
      const others = (before?.secrets ?? []).filter((known) => !isSameSecret(known, source));
      names.set(name, { secrets: [...others, source].slice(-maxSources) });
    }
    this.file.save();
  }

  private end(reference: string): void {
    const left = (this.underWay.get(reference) ?? 1) - 1;
    if (left > 0) this.underWay.set(reference, left);
    else this.underWay.delete(reference);
  }

  private stored(): Stored {
    const pulled = Object.fromEntries([...this.pulled].map(([id, names]) => [id, Object.fromEntries(names)]));
    return { pulling: [...new Set([...this.unfinished, ...this.underWay.keys()])], pulled };
  }
}

function nameOf(reference: string): string {
  const { registry = '', repository = reference } = parseImageName(reference) ?? {};
  return `${registry}/${registry === 'docker.io' ? repository.replace(/^library\//, '') : repository}`;
}

const isSameSecret = (a: CredentialSource, b: CredentialSource): boolean =>
  a.uid === b.uid && a.namespace === b.namespace && a.name === b.name;
