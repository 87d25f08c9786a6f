// The shape of the schemas that hack/update/schemas.ts writes from the models of @kubernetes/client-node. They carry
// what validation, OpenAPI, strategic merge and server-side apply need; descriptions are kept apart (docs.ts), because
// only OpenAPI asks for them.

/** One value: a scalar, a list, a map or a reference to a definition. */
export interface FieldSchema {
  readonly type:
    | 'string'
    | 'integer'
    | 'number'
    | 'boolean'
    | 'array'
    /** An object with free keys, whose values are `items`. */
    | 'map'
    /** The definition named `ref`. */
    | 'ref'
    | 'intOrString'
    | 'quantity'
    /** Any JSON object, as an embedded resource or fieldsV1. */
    | 'any';
  /** int32, int64, double, byte, date-time, date-time-micro. */
  readonly format?: string;
  /** Elements of an array, values of a map. */
  readonly items?: FieldSchema;
  readonly ref?: string;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** Of a map: atomic is replaced as a whole by server-side apply. */
  readonly mapType?: 'atomic';
  /** merge, replace, retainKeys or merge,retainKeys. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** The value an absent key field of a list element stands for, e.g. protocol TCP. */
  readonly default?: string | number | boolean;
}

/** One object type. */
export interface ObjectSchema {
  readonly fields: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  /** Server-side apply replaces objects of this type as a whole. */
  readonly atomic?: true;
}

export interface Schemas {
  /** By the name OpenAPI uses: io.k8s.api.core.v1.Pod. */
  readonly definitions: Readonly<Record<string, ObjectSchema>>;
  /** Definition names by client-node model: V1Pod → io.k8s.api.core.v1.Pod. */
  readonly models: Readonly<Record<string, string>>;
}

/** Descriptions by definition: '' is that of the object itself, the other keys are its fields. */
export type SchemaDocs = Readonly<Record<string, Readonly<Record<string, string>>>>;
