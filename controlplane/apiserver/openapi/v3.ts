// The operations of an OpenAPI v3 document.
import { referTo } from './definitions';
import { type Operation, type Parameter, statusTexts } from './operations';

/** By path, then by method. */
export function renderPathsV3(operations: readonly Operation[]): Readonly<Record<string, object>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const item = paths[operation.path] ?? {};
    paths[operation.path] = item;
    item[operation.method] = renderOperation(operation);
  }
  return paths;
}

function renderOperation(operation: Operation): unknown {
  const { produces, response, statuses } = operation;
  const schema = response === undefined ? { type: 'string' } : referTo(response.name, 'v3');
  const content = Object.fromEntries(produces.map((type) => [type, { schema }]));
  const parameters = operation.parameters.map(renderParameter);
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.id,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...requestBody(operation),
    responses: {
      ...Object.fromEntries(statuses.map((status) => [status, { description: statusTexts[status], content }])),
      401: { description: 'Unauthorized' },
    },
    ...(operation.action ? { 'x-kubernetes-action': operation.action } : {}),
    ...(operation.gvk ? { 'x-kubernetes-group-version-kind': operation.gvk } : {}),
  };
}

function renderParameter({ name, in: place, type, description }: Parameter): unknown {
  return {
    name,
    in: place,
    description,
    ...(place === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}

function requestBody({ method, body, consumes }: Operation): { requestBody?: unknown } {
  if (body === undefined) return {};
  const schema = referTo(body.name, 'v3');
  const content = Object.fromEntries(consumes.map((type) => [type, { schema }]));
  return { requestBody: { content, ...(method === 'delete' ? {} : { required: true }) } };
}
