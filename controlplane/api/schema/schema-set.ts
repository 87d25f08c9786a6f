// The schemas of all kinds, as a value that is handed down: those of the generated file by the name of their model, and those
// that a kind brings along, read once per kind.
import { AppError } from '../../base/errors';
import { readDefinition } from './definition';
import { linkDefinitions } from './link';
import type { Definition, NamedSchema, SchemaDocs, SchemaFile, SchemaSource } from './schema';

/** What is asked of a kind. */
export interface SchematicKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly options: { readonly schema: SchemaSource };
}

interface Pair {
  readonly object: NamedSchema;
  readonly list: NamedSchema;
}

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';

export class SchemaSet {
  private readonly definitions: ReadonlyMap<string, NamedSchema>;
  private readonly models: ReadonlyMap<string, NamedSchema>;
  /** By the options of the kind: kinds that share a definition have schemas of different names. */
  private readonly custom = new WeakMap<SchematicKind['options'], Pair>();

  /** `readDocs` reads the descriptions; it is called for each use, because they are many and rarely asked for. */
  constructor(
    file: SchemaFile,
    private readonly readDocs: () => SchemaDocs = () => ({}),
  ) {
    this.definitions = linkDefinitions(file);
    this.models = new Map(Object.entries(file.models).map(([model, name]) => [model, this.definition(name)!]));
  }

  /** The schema of the objects of a kind. @throws AppError for a model that the file does not have */
  of(kind: SchematicKind): NamedSchema {
    const { schema } = kind.options;
    return 'model' in schema ? this.ofModel(schema.model) : this.customPair(kind, schema.definition).object;
  }

  /** The schema of its lists. @throws AppError */
  ofList(kind: SchematicKind): NamedSchema {
    const { schema } = kind.options;
    return 'model' in schema ? this.ofModel(`${schema.model}List`) : this.customPair(kind, schema.definition).list;
  }

  /** What no kind is: V1Status, V1DeleteOptions. @throws AppError */
  ofModel(model: string): NamedSchema {
    const found = this.models.get(model);
    if (!found) throw new AppError('Internal', `no schema for model ${model}: run npm run build`);
    return found;
  }

  /** By its name in OpenAPI; of the generated file alone. */
  definition(name: string): NamedSchema | undefined {
    return this.definitions.get(name);
  }

  /** Every definition of the generated file. */
  all(): Iterable<NamedSchema> {
    return this.definitions.values();
  }

  docs(): SchemaDocs {
    return this.readDocs();
  }

  private customPair(kind: SchematicKind, definition: Definition): Pair {
    let pair = this.custom.get(kind.options);
    if (!pair) {
      const name = customName(kind);
      const object = readDefinition(definition, { name, metadata: this.meta('ObjectMeta') });
      pair = { object, list: listOf(object, kind, this.meta('ListMeta')) };
      this.custom.set(kind.options, pair);
    }
    return pair;
  }

  private meta(type: string): NamedSchema {
    const found = this.definition(`${metaPackage}.${type}`);
    if (!found) throw new AppError('Internal', `the schemas have no ${type}: run npm run build`);
    return found;
  }
}

/** com.example.stable.v1.CronTab: the group backwards, as upstream names custom kinds. */
const customName = ({ group, version, kind }: SchematicKind): string =>
  [...group.split('.').reverse(), version, kind].join('.');

function listOf(object: NamedSchema, { kind }: SchematicKind, listMeta: NamedSchema): NamedSchema {
  return {
    name: `${object.name}List`,
    fields: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object', object: listMeta },
      items: { type: 'array', items: { type: 'object', object } },
    },
    required: ['items'],
    texts: { '': `${kind}List is a list of ${kind}`, items: `List of ${kind} objects.` },
  };
}
