// Composes documents piece by piece, and gives way to other work between two pieces: a document has a thousand of them, and takes longer
// than one request may hold the event loop.
import { createHash } from 'node:crypto';
import { isCustom, type Kind } from '../../api/kind';
import type { NamedSchema, SchemaDocs } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { bodyKinds } from '../../api/virtual';
import type { EventLoop } from '../../base/event-loop';
import {
  addBodies,
  type BodyKinds,
  type DefinitionSource,
  kindsByDefinition,
  reachable,
  renderDefinition,
  scalarDefinitions,
} from './definitions';
import type { Form } from './forms';
import { describeOperations, type Operation } from './operations';

export interface OpenApiDocument {
  readonly body: Buffer;
  /** With its quotes. */
  readonly etag: string;
  /** The value of ?hash= in the list /openapi/v3. */
  readonly hash: string;
}

type Pieces = WeakMap<object, Buffer | WeakRef<Buffer>>;

export class Composer {
  private readonly pieces = new Map<Form, Pieces>();
  private readonly bodies: BodyKinds;
  private docs: WeakRef<SchemaDocs> | undefined;

  /** `version` is shown as info.version. A composer is valid for one list of built-in kinds. */
  constructor(
    readonly builtIn: readonly Kind[],
    private readonly schemas: SchemaSet,
    private readonly version: string,
    private readonly loop: EventLoop,
  ) {
    this.bodies = kindsByDefinition([...builtIn, ...bodyKinds], schemas);
  }

  /** The document of `kinds` and of further `operations`. The lists are values: what changes in the meantime has no effect. */
  async compose(form: Form, kinds: readonly Kind[], further: readonly Operation[] = []): Promise<OpenApiDocument> {
    const paths: Buffer[] = [];
    const roots = new Set(further.flatMap(({ response }) => response ?? []));
    if (further.length > 0) paths.push(form.paths(further));
    const custom: BodyKinds = new Map();
    for (const kind of kinds) {
      const pause = this.loop.pause();
      if (pause) await this.resumed(pause);
      if (isCustom(kind)) addBodies(custom, kind, this.schemas);
      const operations = describeOperations([kind], this.schemas);
      for (const { body, response } of operations) for (const schema of [body, response]) if (schema) roots.add(schema);
      paths.push(this.piece(form, kind, !isCustom(kind), () => form.paths(operations)));
    }
    const kindsOf: DefinitionSource['kindsOf'] = (schema) => this.bodies.get(schema) ?? custom.get(schema);
    const selectable = selectableFields(kinds, this.schemas);
    const definitions = await this.definitions(form, roots, {
      kindsOf,
      selectableOf: (schema) => selectable.get(schema),
    });
    return this.assemble(form.join(this.version, paths, definitions));
  }

  /** Sorted by name. */
  private async definitions(
    form: Form,
    roots: Iterable<NamedSchema>,
    source: Omit<DefinitionSource, 'docs'>,
  ): Promise<Buffer[]> {
    const scalars = scalarDefinitions(form.dialect);
    const named: { readonly name: string; readonly bytes: Buffer }[] = [];
    let docs: SchemaDocs | undefined;
    for (const found of reachable(roots)) {
      const pause = this.loop.pause();
      if (pause) await this.resumed(pause);
      if (typeof found === 'string') {
        named.push({ name: found, bytes: form.definition(found, scalars[found]!) });
        continue;
      }
      const bytes = this.piece(form, found, !found.definition, () => {
        docs ??= this.readDocs();
        return form.definition(found.name, renderDefinition(found, { docs, ...source }, form.dialect));
      });
      named.push({ name: found.name, bytes });
    }
    return named.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ bytes }) => bytes);
  }

  /** The piece of `key`, a kind or a schema. Those of custom kinds may be dropped: users can define any number. */
  private piece(form: Form, key: object, isBuiltIn: boolean, render: () => Buffer): Buffer {
    let pieces = this.pieces.get(form);
    if (!pieces) {
      pieces = new WeakMap();
      this.pieces.set(form, pieces);
    }
    const kept = pieces.get(key);
    const known = kept instanceof WeakRef ? kept.deref() : kept;
    if (known) return known;
    const bytes = render();
    pieces.set(key, isBuiltIn && form.keepsBuiltIn ? bytes : new WeakRef(bytes));
    return bytes;
  }

  /** The texts are large, and only needed while pieces are rendered. */
  private readDocs(): SchemaDocs {
    const known = this.docs?.deref();
    if (known) return known;
    const docs = this.schemas.docs();
    this.docs = new WeakRef(docs);
    return docs;
  }

  private async assemble(pieces: readonly Buffer[]): Promise<OpenApiDocument> {
    const body = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
    const digest = createHash('sha512');
    let at = 0;
    for (const piece of pieces) {
      const pause = this.loop.pause();
      if (pause) await this.resumed(pause);
      body.set(piece, at);
      at += piece.length;
      digest.update(piece);
    }
    const hash = digest.digest('hex').toUpperCase();
    return { body, hash, etag: `"${hash}"` };
  }

  /** The turns after a pause belong to the same request. */
  private async resumed(pause: Promise<void>): Promise<void> {
    const work = this.loop.current;
    await pause;
    this.loop.mark(work);
  }
}

/** Only custom kinds with fields of their own. */
function selectableFields(kinds: readonly Kind[], schemas: SchemaSet): ReadonlyMap<object, readonly string[]> {
  const found = new Map<object, readonly string[]>();
  for (const kind of kinds) {
    const { fields } = kind.options;
    if (!isCustom(kind) || !fields) continue;
    const paths = Object.keys(fields);
    found.set(schemas.of(kind), paths).set(schemas.ofList(kind), paths);
  }
  return found;
}
