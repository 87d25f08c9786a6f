// The operations of the OpenAPI v2 document (Swagger 2.0).
import { type OpenApiSchema, referTo } from './definitions';
import { type Operation, type Parameter, statusTexts } from './operations';

export interface OpenApiV2 {
  readonly swagger: '2.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: V2Paths;
  readonly definitions: Readonly<Record<string, OpenApiSchema>>;
}
/** By path, then by method. */
export type V2Paths = Readonly<Record<string, Readonly<Record<string, V2Operation>>>>;
export interface V2Operation {
  readonly description: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  readonly schemes: readonly string[];
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly parameters: readonly V2Parameter[];
  readonly responses: Readonly<Record<string, V2Response>>;
  readonly 'x-kubernetes-action'?: string;
  readonly 'x-kubernetes-group-version-kind'?: unknown;
}
export type V2Parameter =
  | { readonly name: string; readonly in: 'body'; readonly required?: boolean; readonly schema: OpenApiSchema }
  | (Parameter & { readonly uniqueItems: true; readonly required?: boolean });
export interface V2Response {
  readonly description: string;
  readonly schema?: OpenApiSchema;
}

export function renderPathsV2(operations: readonly Operation[]): V2Paths {
  const paths: Record<string, Record<string, V2Operation>> = {};
  for (const operation of operations) {
    const item = paths[operation.path] ?? {};
    paths[operation.path] = item;
    item[operation.method] = renderOperation(operation);
  }
  return paths;
}

function renderOperation(operation: Operation): V2Operation {
  const schema = operation.response === undefined ? { type: 'string' } : referTo(operation.response.name, 'v2');
  return {
    description: operation.description,
    consumes: operation.consumes,
    produces: operation.produces,
    schemes: ['https'],
    tags: [operation.tag],
    operationId: operation.id,
    parameters: [...operation.parameters.map(renderParameter), ...bodyParameter(operation)],
    responses: {
      ...Object.fromEntries(operation.statuses.map((status) => [status, { description: statusTexts[status], schema }])),
      401: { description: 'Unauthorized' },
    },
    ...(operation.action ? { 'x-kubernetes-action': operation.action } : {}),
    ...(operation.gvk ? { 'x-kubernetes-group-version-kind': operation.gvk } : {}),
  };
}

const renderParameter = (parameter: Parameter): V2Parameter =>
  parameter.in === 'path' ? { ...parameter, uniqueItems: true, required: true } : { ...parameter, uniqueItems: true };

function bodyParameter({ method, body }: Operation): V2Parameter[] {
  if (body === undefined) return [];
  const schema = referTo(body.name, 'v2');
  return [
    method === 'delete' ? { name: 'body', in: 'body', schema } : { name: 'body', in: 'body', required: true, schema },
  ];
}
