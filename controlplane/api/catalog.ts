// The served kinds, as a value: each part that needs the list of kinds gets it as an argument. The catalog can change while the
// server runs, and reports each change.
import { AlreadyExists } from '../base/errors';
import { isStored, type Kind } from './kind';

/** The interface for readers. */
export interface Catalog {
  /** Rises with every change: data derived from the kinds is valid for one revision. */
  readonly revision: number;
  /** All kinds, those that are stored and those that are only requested. */
  kinds(): readonly Kind[];
  byPath(group: string, version: string, plural: string): Kind | undefined;
  /** Finds a kind by the names that owner references use. */
  byKind(apiVersion: string, kind: string): Kind | undefined;
  /** True while the version of the group has a kind. */
  serves(group: string, version: string): boolean;
  /** Called synchronously after each change, until the returned function is called. */
  onChange(fn: () => void): () => void;
}

/** The kinds whose objects are in the store. */
export const storedKinds = (catalog: Catalog): readonly Kind[] => catalog.kinds().filter(isStored);

/** A catalog that its owner can change. */
export class KindCatalog implements Catalog {
  private readonly paths = new Map<string, Kind>();
  private readonly names = new Map<string, Kind>();
  private readonly versions = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private all: readonly Kind[] = [];
  revision = 0;

  constructor(kinds: readonly Kind[]) {
    for (const kind of kinds) this.enter(kind);
    this.all = [...this.paths.values()];
  }

  kinds(): readonly Kind[] {
    return this.all;
  }

  byPath(group: string, version: string, plural: string): Kind | undefined {
    return this.paths.get(`${group}/${version}/${plural}`);
  }

  byKind(apiVersion: string, kind: string): Kind | undefined {
    return this.names.get(`${apiVersion}/${kind}`);
  }

  serves(group: string, version: string): boolean {
    return this.versions.has(`${group}/${version}`);
  }

  onChange(fn: () => void): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  /** @throws AlreadyExists for a path or a name that another kind has */
  add(kind: Kind): void {
    this.enter(kind);
    this.changed();
  }

  /** Removing an unknown kind has no effect. */
  remove(kind: Kind): void {
    if (this.leave(kind)) this.changed();
  }

  private leave(kind: Kind): boolean {
    const path = pathOf(kind);
    if (this.paths.get(path) !== kind) return false;
    this.paths.delete(path);
    this.names.delete(nameOf(kind));
    const version = versionOf(kind);
    const left = this.versions.get(version)! - 1;
    if (left === 0) this.versions.delete(version);
    else this.versions.set(version, left);
    return true;
  }

  /** Several changes as one. @throws AlreadyExists for a path or a name that another kind has */
  replace(before: readonly Kind[], after: readonly Kind[]): void {
    if (before.length === 0 && after.length === 0) return;
    for (const kind of before) this.leave(kind);
    for (const kind of after) this.enter(kind);
    this.changed();
  }

  /** @throws AlreadyExists for a path or a name that another kind has */
  checkFree(kind: Kind): void {
    const path = pathOf(kind);
    if (this.paths.has(path) || this.names.has(nameOf(kind))) throw new AlreadyExists(`${path} is served already`);
  }

  private enter(kind: Kind): void {
    this.checkFree(kind);
    this.paths.set(pathOf(kind), kind);
    this.names.set(nameOf(kind), kind);
    const version = versionOf(kind);
    this.versions.set(version, (this.versions.get(version) ?? 0) + 1);
  }

  private changed(): void {
    this.all = [...this.paths.values()];
    this.revision++;
    for (const fn of [...this.listeners]) fn();
  }
}

// Groups, versions and plurals never contain a slash.
const versionOf = ({ group, version }: Kind): string => `${group}/${version}`;
const pathOf = (kind: Kind): string => `${versionOf(kind)}/${kind.plural}`;
const nameOf = ({ apiVersion, kind }: Kind): string => `${apiVersion}/${kind}`;
