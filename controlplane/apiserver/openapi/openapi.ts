// The OpenAPI documents as bytes with their ETags. Each is built at its first request, and the garbage collector may drop it
// afterwards: a document has megabytes and a client needs it once.
import { createHash } from 'node:crypto';
import type { Catalog } from '../../api/catalog';
import type { SchemaSet } from '../../api/schema/schema-set';
import { bodyKinds } from '../../api/virtual';
import { type DefinitionSource, kindsByDefinition } from './definitions';
import { describeOperations, rootOf } from './operations';
import { encodeV2 } from './protobuf';
import { type OpenApiV2, renderV2 } from './v2';
import { renderV3 } from './v3';

/** The Accept header of clients. A media type must not contain @, so the answer has another name. */
export const v2ProtobufAccept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
export const v2ProtobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

export interface OpenApiDocument {
  readonly body: Buffer;
  /** With its quotes. */
  readonly etag: string;
  /** The value of ?hash= in the list /openapi/v3. */
  readonly hash: string;
}

export class OpenApiDocuments {
  private readonly built = new Map<string, WeakRef<OpenApiDocument>>();
  private readonly hashes = new Map<string, string>();
  /** The revision of the catalog that the documents show. */
  private revision: number;

  /** `version` is shown as info.version: the version of this server. */
  constructor(
    private readonly catalog: Catalog,
    private readonly schemas: SchemaSet,
    private readonly version: string,
  ) {
    this.revision = catalog.revision;
  }

  v2Json(): OpenApiDocument {
    return this.document('v2.json', () => Buffer.from(JSON.stringify(this.v2())));
  }

  v2Protobuf(): OpenApiDocument {
    return this.document('v2.pb', () => encodeV2(this.v2()));
  }

  /** The list of v3 documents, with those of `others`: path → address. Each address contains the content's hash, so that clients may cache it forever. */
  v3Index(others: Readonly<Record<string, string>> = {}): OpenApiDocument {
    this.forgetOld();
    return this.document(`v3 ${JSON.stringify(others)}`, () => {
      const paths = this.v3Paths().map((path) => {
        if (!this.hashes.has(path)) this.v3(path);
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.hashes.get(path)}` }] as const;
      });
      const remote = Object.entries(others).map(([path, serverRelativeURL]) => [path, { serverRelativeURL }] as const);
      return Buffer.from(JSON.stringify({ paths: Object.fromEntries([...paths, ...remote]) }));
    });
  }

  /** `path` is api/v1 or apis/GROUP/VERSION; undefined for a group and version that is not served. */
  v3(path: string): OpenApiDocument | undefined {
    if (!this.v3Paths().includes(path)) return undefined;
    const kinds = this.catalog.kinds().filter((kind) => rootOf(kind) === `/${path}`);
    return this.document(path, () =>
      Buffer.from(JSON.stringify(renderV3(describeOperations(kinds, this.schemas), this.source(), this.version))),
    );
  }

  private v3Paths(): string[] {
    return [...new Set(this.catalog.kinds().map((kind) => rootOf(kind).slice(1)))].sort();
  }

  private v2(): OpenApiV2 {
    return renderV2(describeOperations(this.catalog.kinds(), this.schemas), this.source(), this.version);
  }

  private source(): DefinitionSource {
    return {
      docs: this.schemas.docs(),
      kindsOf: kindsByDefinition([...this.catalog.kinds(), ...bodyKinds], this.schemas),
    };
  }

  /** Drops all documents when the catalog has changed. */
  private forgetOld(): void {
    if (this.revision === this.catalog.revision) return;
    this.revision = this.catalog.revision;
    this.built.clear();
    this.hashes.clear();
  }

  private document(key: string, build: () => Buffer): OpenApiDocument {
    this.forgetOld();
    const known = this.built.get(key)?.deref();
    if (known) return known;
    const body = build();
    const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
    const document = { body, hash, etag: `"${hash}"` };
    this.built.set(key, new WeakRef(document));
    this.hashes.set(key, hash);
    return document;
  }
}
