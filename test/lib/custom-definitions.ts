// CustomResourceDefinitions for tests over HTTPS: one is created, and the test goes on when its kinds are served.
import type { Test } from 'tap';
import { startApiServer, type TestServer } from './api-server';

export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Shape {
  readonly names?: object;
  readonly versions?: readonly object[];
  readonly scope?: string;
}

/** Stored and served. */
export const version = (name: string, rest: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { cronSpec: { type: 'string' }, replicas: { type: 'integer' } } },
        status: { type: 'object', properties: { ready: { type: 'boolean' } } },
      },
    },
  },
  ...rest,
});

export const definition = (
  plural: string,
  kind: string,
  { names = {}, versions, scope = 'Namespaced' }: Shape = {},
) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.stable.example.com` },
  spec: {
    group: 'stable.example.com',
    scope,
    names: { plural, kind, ...names },
    versions: versions ?? [version('v1')],
  },
});

/** Waits for a state of a definition, on its watch. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
export async function reached(server: TestServer, name: string, test: (object: any) => boolean): Promise<any> {
  const watch = await server.watch(`${definitionsPath}?watch=true&fieldSelector=metadata.name%3D${name}`);
  try {
    for (;;) {
      const { object } = await watch.next();
      if (test(object)) return object;
    }
  } finally {
    watch.close();
  }
}

export const condition =
  (type: string, status: string) => (object: { status?: { conditions?: { type: string; status: string }[] } }) =>
    object.status?.conditions?.some((one) => one.type === type && one.status === status) ?? false;
export const established = condition('Established', 'True');

export async function serve(t: Test): Promise<TestServer> {
  const server = await startApiServer();
  t.teardown(() => server.close());
  return server;
}

export async function define(
  server: TestServer,
  body: { readonly metadata: { readonly name: string } },
): Promise<void> {
  const created = await server.call('POST', definitionsPath, { body });
  if (created.status !== 201) throw new Error(created.text);
  await reached(server, body.metadata.name, established);
}
