// Which images this kubelet pulled, and with whose credentials: a pod gets an image that is on the node already only if it may pull
// it (KEP-2535, KubeletEnsureSecretPulledImages). Images that came another way (docker load) are for all pods. Kept in a file, so that
// a kubelet that starts again remembers.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
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
  private writing: Promise<void> | undefined;
  private changed = false;
  private readonly underWay = new Map<string, number>();

  private constructor(
    private readonly path: string,
    private readonly log: Logger,
    private readonly unfinished: Set<string>,
    private readonly pulled: Map<string, Map<string, Access>>,
  ) {}

  /** A file that is missing or damaged counts as empty: then the images of this node are for all its pods. */
  static async open(path: string, log: Logger): Promise<PullRecords> {
    try {
      const { pulling, pulled } = JSON.parse(await readFile(path, 'utf8')) as Stored;
      const entries = Object.entries(pulled).map(([id, names]) => [id, new Map(Object.entries(names))] as const);
      return new PullRecords(path, log, new Set(pulling), new Map(entries));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        log.warn('the file of image pulls is not readable; images on this node are for all its pods', { path, error });
      }
      return new PullRecords(path, log, new Set(), new Map());
    }
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
    if (count === 0) this.save();
    await this.writing;
  }

  /** The pull that begin() announced failed. */
  failed(reference: string): void {
    this.end(reference);
    this.save();
  }

  /** The pull succeeded with these credentials, or with none. */
  succeeded(reference: string, imageId: string, source: CredentialSource | undefined): void {
    this.end(reference);
    this.unfinished.delete(reference);
    this.add(reference, imageId, source);
    this.save();
  }

  /** Image IDs with a record. */
  known(): readonly string[] {
    return [...this.pulled.keys()];
  }

  /** Removes the records of images that are no longer on the node. */
  forget(imageIds: readonly string[]): void {
    for (const id of imageIds) if (this.pulled.delete(id)) this.save();
  }

  /** Resolves when the file shows all changes so far, or cannot be written: that is logged. */
  async saved(): Promise<void> {
    while (this.writing) await this.writing;
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
    this.save();
  }

  private end(reference: string): void {
    const left = (this.underWay.get(reference) ?? 1) - 1;
    if (left > 0) this.underWay.set(reference, left);
    else this.underWay.delete(reference);
  }

  /** Changes during a write lead to exactly one more. */
  private save(): void {
    this.changed = true;
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  private async write(): Promise<void> {
    // Pods that come at the same time share one write.
    await Promise.resolve();
    while (this.changed) {
      this.changed = false;
      const next = `${this.path}.next`;
      const pulled = Object.fromEntries([...this.pulled].map(([id, names]) => [id, Object.fromEntries(names)]));
      const stored: Stored = { pulling: [...new Set([...this.unfinished, ...this.underWay.keys()])], pulled };
      try {
        await mkdir(dirname(this.path), { recursive: true });
        await writeFile(next, JSON.stringify(stored), { mode: 0o600 });
        await rename(next, this.path);
      } catch (error) {
        this.log.warn('image pulls are not stored; the next change tries again', {
          path: this.path,
          error: describeError(error),
        });
      }
    }
  }
}

function nameOf(reference: string): string {
  const { registry = '', repository = reference } = parseImageName(reference) ?? {};
  return `${registry}/${registry === 'docker.io' ? repository.replace(/^library\//, '') : repository}`;
}

const isSameSecret = (a: CredentialSource, b: CredentialSource): boolean =>
  a.uid === b.uid && a.namespace === b.namespace && a.name === b.name;
