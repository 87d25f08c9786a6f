// The OpenAPI v2 document in the protobuf form of gnostic (openapi_v2.proto): kubectl before 1.27 reads no other form.
// Covers only the messages of this document. Field numbers are those of that file.
import type { OpenApiSchema } from './definitions';
import type { OpenApiV2, V2Operation, V2Parameter, V2Paths, V2Response } from './v2';
import { bool, encode, message, type Part, startOf, text, texts } from './wire';

/** The entries of Paths. */
export const encodePaths = (paths: V2Paths): Buffer =>
  encode(Object.entries(paths).map(([path, item]) => message(2, [text(1, path), message(2, pathItem(item))])));

/** An entry of Definitions. */
export const encodeDefinition = (name: string, schema: OpenApiSchema): Buffer =>
  encode(namedSchemas({ [name]: schema }));

/** The document of entries that are encoded already. */
export const joinV2 = (info: OpenApiV2['info'], paths: readonly Buffer[], definitions: readonly Buffer[]): Buffer[] => [
  encode([text(1, '2.0'), message(2, [text(1, info.title), text(2, info.version)])]),
  startOf(8, paths),
  ...paths,
  startOf(9, definitions),
  ...definitions,
];

const methodField: Readonly<Record<string, number>> = {
  get: 2,
  put: 3,
  post: 4,
  delete: 5,
  options: 6,
  head: 7,
  patch: 8,
};

function pathItem(item: Readonly<Record<string, V2Operation>>): Part[] {
  return Object.entries(item).map(([method, operation]) => message(methodField[method]!, encodeOperation(operation)));
}

function encodeOperation(operation: V2Operation): Part[] {
  return [
    ...texts(1, operation.tags),
    text(3, operation.description),
    text(5, operation.operationId),
    ...texts(6, operation.produces),
    ...texts(7, operation.consumes),
    // ParametersItem > Parameter
    ...operation.parameters.map((parameter) => message(8, [message(1, encodeParameter(parameter))])),
    message(
      9,
      Object.entries(operation.responses).map(([status, response]) => encodeResponse(status, response)),
    ),
    ...texts(10, operation.schemes),
    ...extensions(13, operation),
  ];
}

/** A body parameter, or a path or query parameter inside NonBodyParameter. */
function encodeParameter(parameter: V2Parameter): Part[] {
  const required = parameter.required ?? false;
  if (parameter.in === 'body') {
    return [
      message(1, [
        text(2, parameter.name),
        text(3, 'body'),
        bool(4, required),
        message(5, encodeSchema(parameter.schema)),
      ]),
    ];
  }
  const { name, in: place, description, type } = parameter;
  const shared = [bool(1, required), text(2, place), text(3, description), text(4, name)];
  // The two sub-messages number the type differently: queries have allow_empty_value before it.
  return [
    message(2, place === 'query' ? [message(3, [...shared, text(6, type)])] : [message(4, [...shared, text(5, type)])]),
  ];
}

/** NamedResponseValue > ResponseValue > Response > SchemaItem */
function encodeResponse(status: string, { description, schema }: V2Response): Part {
  const item = schema ? [message(2, [message(1, encodeSchema(schema))])] : [];
  return message(1, [text(1, status), message(2, [message(1, [text(1, description), ...item])])]);
}

const namedSchemas = (schemas: Readonly<Record<string, OpenApiSchema>>): Part[] =>
  Object.entries(schemas).map(([name, schema]) => message(1, [text(1, name), message(2, encodeSchema(schema))]));

interface Known {
  readonly $ref?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly additionalProperties?: OpenApiSchema;
  readonly type?: string;
  readonly items?: OpenApiSchema;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
}

function encodeSchema(schema: OpenApiSchema): Part[] {
  const {
    $ref,
    format,
    description,
    default: value,
    required,
    enum: values,
    additionalProperties,
    type,
    items,
    properties,
  } = schema as Known;
  return [
    text(1, $ref),
    text(2, format),
    text(4, description),
    ...(value === undefined ? [] : [message(5, anyValue(value))]),
    ...texts(19, required ?? []),
    ...(values ?? []).map((one) => message(20, anyValue(one))),
    ...(additionalProperties ? [message(21, [message(1, encodeSchema(additionalProperties))])] : []),
    ...(type === undefined ? [] : [message(22, [text(1, type)])]),
    ...(items ? [message(23, [message(1, encodeSchema(items))])] : []),
    ...(properties ? [message(25, namedSchemas(properties))] : []),
    ...extensions(31, schema),
  ];
}

/** Vendor extensions as NamedAny; their values are YAML text, and JSON is YAML. */
function extensions(field: number, object: object): Part[] {
  return Object.entries(object)
    .filter(([key]) => key.startsWith('x-'))
    .map(([key, value]) => message(field, [text(1, key), message(2, anyValue(value))]));
}

const anyValue = (value: unknown): Part[] => [text(2, `${JSON.stringify(value)}\n`)];
