// The OpenAPI documents as bytes with their ETags. Each is composed at its first request, and the garbage collector may drop it
// afterwards: a document has megabytes and a client needs it once. Promises:
// 1. A document shows the kinds of one moment, at which its request had begun or later.
// 2. Requests for the same document wait for one composition.
// 3. A document whose kinds stay the same keeps its bytes and its hash, whatever other kinds come and go.
import { createHash } from 'node:crypto';
import type { Catalog } from '../../api/catalog';
import { isCustom, type Kind } from '../../api/kind';
import type { SchemaSet } from '../../api/schema/schema-set';
import { type EventLoop, eventLoop } from '../../base/event-loop';
import { Composer, type OpenApiDocument } from './composer';
import { describeDocuments, describeResources } from './document-paths';
import { type Form, v2Json, v2Protobuf, v3Json } from './forms';
import { type Operation, rootOf } from './operations';

export type { OpenApiDocument } from './composer';

/** The Accept header of clients. A media type must not contain @, so the answer has another name. */
export const v2ProtobufAccept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
export const v2ProtobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** The documents of one revision of the catalog. */
interface Revision {
  readonly revision: number;
  readonly composer: Composer;
  readonly v2Json: KeptDocument;
  readonly v2Protobuf: KeptDocument;
  /** By path, sorted. */
  readonly v3: ReadonlyMap<string, KeptDocument>;
}

export class OpenApiDocuments {
  private last: Revision | undefined;

  /** `version` is shown as info.version: the version of this server. */
  constructor(
    private readonly catalog: Catalog,
    private readonly schemas: SchemaSet,
    private readonly version: string,
    private readonly loop: EventLoop = eventLoop,
  ) {}

  v2Json(): Promise<OpenApiDocument> {
    return this.present().v2Json.document();
  }

  v2Protobuf(): Promise<OpenApiDocument> {
    return this.present().v2Protobuf.document();
  }

  /** The list of v3 documents, with those of `others`: path → address. Each address contains the content's hash, so that clients may cache it forever. */
  async v3Index(others: Readonly<Record<string, string>> = {}): Promise<OpenApiDocument> {
    const paths: Record<string, { readonly serverRelativeURL: string }> = {};
    for (const [path, document] of this.present().v3) {
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${await document.hash()}` };
    }
    for (const [path, serverRelativeURL] of Object.entries(others)) paths[path] = { serverRelativeURL };
    const body = Buffer.from(JSON.stringify({ paths }));
    const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
    return { body, hash, etag: `"${hash}"` };
  }

  /** `path` is api/v1, apis/GROUP/VERSION or that of a document about the API (apis/GROUP, version); undefined for a group and version that is not served. */
  v3(path: string): Promise<OpenApiDocument> | undefined {
    return this.present().v3.get(path)?.document();
  }

  private present(): Revision {
    if (this.last?.revision !== this.catalog.revision) this.last = this.next(this.last);
    return this.last!;
  }

  /** Takes over the documents that stay the same, also those that are being composed. */
  private next(last: Revision | undefined): Revision {
    const kinds = this.catalog.kinds();
    const builtIn = kinds.filter((kind) => !isCustom(kind));
    const composer =
      last && areSame(last.composer.builtIn, builtIn)
        ? last.composer
        : new Composer(builtIn, this.schemas, this.version, this.loop);
    const keep = (path: string, own: readonly Kind[], operations: readonly Operation[]) => {
      const known = last?.v3.get(path);
      const isValid = known && last?.composer === composer && areSame(known.kinds, own);
      return [path, isValid ? known : new KeptDocument(composer, v3Json, own, operations)] as const;
    };
    const documents = describeDocuments(kinds, this.schemas);
    const v3 = [...Map.groupBy(kinds, (kind) => rootOf(kind).slice(1))].map(([path, own]) =>
      keep(path, own, describeResources(own, this.schemas)),
    );
    const others = [...documents].map(([path, operation]) => keep(path, [], [operation]));
    const all = [...v3, ...others].sort(([a], [b]) => (a < b ? -1 : 1));
    const plain = [...documents.values(), ...describeResources(kinds, this.schemas)];
    return {
      revision: this.catalog.revision,
      composer,
      v2Json: new KeptDocument(composer, v2Json, kinds, plain),
      v2Protobuf: new KeptDocument(composer, v2Protobuf, kinds, plain),
      v3: new Map(all),
    };
  }
}

const areSame = (some: readonly Kind[], others: readonly Kind[]): boolean =>
  some.length === others.length && some.every((kind, i) => kind === others[i]);

/** A document of fixed kinds. Its hash stays, its bytes may be composed again. */
class KeptDocument {
  private kept: WeakRef<OpenApiDocument> | undefined;
  private knownHash: string | undefined;
  private composing: Promise<OpenApiDocument> | undefined;

  constructor(
    private readonly composer: Composer,
    private readonly form: Form,
    readonly kinds: readonly Kind[],
    private readonly operations: readonly Operation[],
  ) {}

  async document(): Promise<OpenApiDocument> {
    const known = this.kept?.deref();
    if (known) return known;
    this.composing ??= this.compose();
    return this.composing;
  }

  async hash(): Promise<string> {
    return this.knownHash ?? (await this.document()).hash;
  }

  private async compose(): Promise<OpenApiDocument> {
    try {
      const document = await this.composer.compose(this.form, this.kinds, this.operations);
      this.kept = new WeakRef(document);
      this.knownHash = document.hash;
      return document;
    } finally {
      this.composing = undefined;
    }
  }
}
