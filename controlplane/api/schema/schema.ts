// The types of schemas, which validation, OpenAPI, strategic merge and server-side apply read. Schemas are linked: an object holds
// the schemas of the objects inside it, so a walk needs no table of names.

/** One value: a scalar, a list, a map or an object. */
export interface FieldSchema {
  readonly type:
    | 'string'
    | 'integer'
    | 'number'
    | 'boolean'
    | 'array'
    /** An object with free keys, whose values are `items`. */
    | 'map'
    /** An object with the fields of `object`. */
    | 'object'
    | 'intOrString'
    | 'quantity'
    /** Any JSON, as an embedded resource or fieldsV1. Objects in it are of the type `object`, if it is set. */
    | 'any';
  /** int32, int64, double, byte, date-time, date-time-micro; of `any`: upstream's name for the type, if it has one. */
  readonly format?: string;
  /** Elements of an array, values of a map. */
  readonly items?: FieldSchema;
  readonly object?: ObjectSchema;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** For a map: server-side apply replaces an atomic map completely. For an object: a granular one merges, though its type is atomic. */
  readonly mapType?: 'atomic' | 'granular';
  /** merge, replace, retainKeys or merge,retainKeys. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** The name of the scalar's or map's type in Go, if it has one: v1.PullPolicy. */
  readonly goType?: string;
  /** The Go struct inside the object's own, of which this is a field: VolumeSource. */
  readonly embedded?: string;
  /** The value of an absent key field of a list element, e.g. protocol TCP. */
  readonly default?: string | number | boolean;
  /**
   * Of a scalar that is no pointer in Go, whose zero (an empty text, 0, false) and absence are the same: which of the two is stored.
   * Absent: zero is a value like others.
   */
  readonly zero?: 'omitted' | 'written';
}

/** One object type. */
export interface ObjectSchema {
  /** The name in OpenAPI: io.k8s.api.core.v1.Pod. Absent for an object that is defined in place. */
  readonly name?: string;
  readonly fields: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  /** Server-side apply replaces objects of this type completely. */
  readonly atomic?: true;
  /** The type has no Go type: empty lists and maps are kept as they were sent. */
  readonly unstructured?: true;
  /** Fields that the schema does not name are kept. */
  readonly open?: true;
  /** Decoding keeps values of wrong types, and nulls: other parts judge them. */
  readonly lenient?: true;
  /** Descriptions; key '' is the object itself. Absent for generated schemas, whose descriptions only OpenAPI reads, from another file. */
  readonly texts?: Readonly<Record<string, string>>;
}
export interface NamedSchema extends ObjectSchema {
  readonly name: string;
  /** Of a kind that is defined by a schema: OpenAPI shows it with its rules for values. */
  readonly definition?: Definition;
}

/** The source of a kind's schema. */
export type SchemaSource =
  | ModelSource
  /** `lenient`: decoding keeps values of wrong types and nulls, because `defaults` and `validate` of the kind look at them. */
  | { readonly definition: Definition; readonly lenient?: boolean };

export interface ModelSource {
  readonly model: string;
  /** The model of lists; default: the name of the model with `List` after it. */
  readonly listModel?: string;
}

export const listModelOf = ({ model, listModel }: ModelSource): string => listModel ?? `${model}List`;

/**
 * The openAPIV3Schema of a CustomResourceDefinition: JSONSchemaProps. The first block is the structure of objects, the second block
 * restricts values.
 */
export interface Definition {
  /** object, array, string, integer, number or boolean. */
  readonly type?: string;
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly additionalProperties?: boolean | Definition;
  readonly items?: Definition;
  readonly default?: unknown;
  readonly nullable?: boolean;

  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly multipleOf?: number;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly allOf?: readonly Definition[];
  readonly anyOf?: readonly Definition[];
  readonly oneOf?: readonly Definition[];
  readonly not?: Definition;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];

  /** atomic, set or map. */
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  /** atomic or granular. */
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;

  readonly externalDocs?: unknown;
  readonly example?: unknown;
  /** No structural schema has these: their rules refuse them. */
  readonly id?: string;
  readonly $ref?: string;
  readonly additionalItems?: unknown;
  readonly definitions?: unknown;
  readonly dependencies?: unknown;
  readonly patternProperties?: unknown;
}

/** A rule in CEL. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** A field in the generated file: `ref` names its object. */
export interface FieldEntry extends Omit<FieldSchema, 'items' | 'object'> {
  readonly items?: FieldEntry;
  readonly ref?: string;
}
export interface ObjectEntry extends Pick<ObjectSchema, 'required' | 'atomic'> {
  readonly fields: Readonly<Record<string, FieldEntry>>;
}

/** The file that hack/update/schemas.ts writes from the models of @kubernetes/client-node. */
export interface SchemaFile {
  /** By their names in OpenAPI. */
  readonly definitions: Readonly<Record<string, ObjectEntry>>;
  /** Definition names by client-node model: V1Pod → io.k8s.api.core.v1.Pod. */
  readonly models: Readonly<Record<string, string>>;
}

/** Descriptions by definition: key '' is the object itself, the other keys are its fields. */
export type SchemaDocs = Readonly<Record<string, Readonly<Record<string, string>>>>;
