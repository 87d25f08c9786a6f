// The schemas of all kinds, as a value that is passed as an argument: schemas of the generated file by the name of their model,
// and schemas that a kind defines itself, converted once per kind.
import { AppError } from '../../base/errors';
import { readDefinition } from './definition';
import { linkDefinitions } from './link';
import { listModelOf, type NamedSchema, type SchemaDocs, type SchemaFile, type SchemaSource } from './schema';

type CustomSource = Extract<SchemaSource, { readonly definition: unknown }>;

/** The parts of a kind that this file needs. */
export interface SchematicKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
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
  /** Keyed by the options of the kind: kinds that share a definition have schemas with different names. */
  private readonly custom = new WeakMap<SchematicKind['options'], Pair>();

  /** `readDocs` reads the descriptions; it is called for each use, since they are large and rarely needed. */
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
    return 'model' in schema ? this.ofModel(schema.model) : this.customPair(kind, schema).object;
  }

  /** The schema of its lists. @throws AppError */
  ofList(kind: SchematicKind): NamedSchema {
    const { schema } = kind.options;
    return 'model' in schema ? this.ofModel(listModelOf(schema)) : this.customPair(kind, schema).list;
  }

  /** The schema of a model that is not a kind: V1Status, V1DeleteOptions. @throws AppError */
  ofModel(model: string): NamedSchema {
    const found = this.models.get(model);
    if (!found) throw new AppError('Internal', `no schema for model ${model}: run npm run build`);
    return found;
  }

  /** A definition by its name in OpenAPI; only of the generated file. */
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

  private customPair(kind: SchematicKind, { definition, lenient = false }: CustomSource): Pair {
    let pair = this.custom.get(kind.options);
    if (!pair) {
      const name = customName(kind);
      const object = readDefinition(definition, { name, metadata: this.meta('ObjectMeta'), lenient });
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

/** com.example.stable.v1.CronTab: the group reversed, as upstream names custom kinds. */
const customName = ({ group, version, kind }: SchematicKind): string =>
  [...group.split('.').reverse(), version, kind].join('.');

/** Upstream's text about lists ends with this address. */
const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

function listOf(object: NamedSchema, { kind, plural }: SchematicKind, listMeta: NamedSchema): NamedSchema {
  return {
    name: `${object.name}List`,
    fields: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object', object: listMeta },
      items: { type: 'array', items: { type: 'object', object } },
    },
    required: ['items'],
    texts: { '': `${kind}List is a list of ${kind}`, items: `List of ${plural}. More info: ${conventions}` },
  };
}
