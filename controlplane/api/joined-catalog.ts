// Two catalogs as one: the kinds of this server and those of aggregated API servers. A kind of the first one wins.
import type { Catalog } from './catalog';
import type { Kind } from './kind';

export class JoinedCatalog implements Catalog {
  constructor(
    private readonly first: Catalog,
    private readonly second: Catalog,
  ) {}

  get revision(): number {
    return this.first.revision + this.second.revision;
  }

  kinds(): readonly Kind[] {
    const others = this.second.kinds();
    if (others.length === 0) return this.first.kinds();
    return [
      ...this.first.kinds(),
      ...others.filter((kind) => this.byPath(kind.group, kind.version, kind.plural) === kind),
    ];
  }

  byPath(group: string, version: string, plural: string): Kind | undefined {
    return this.first.byPath(group, version, plural) ?? this.second.byPath(group, version, plural);
  }

  byKind(apiVersion: string, kind: string): Kind | undefined {
    return this.first.byKind(apiVersion, kind) ?? this.second.byKind(apiVersion, kind);
  }

  serves(group: string, version: string): boolean {
    return this.first.serves(group, version) || this.second.serves(group, version);
  }

  onChange(fn: () => void): () => void {
    const stops = [this.first.onChange(fn), this.second.onChange(fn)];
    return () => {
      for (const stop of stops) stop();
    };
  }
}
