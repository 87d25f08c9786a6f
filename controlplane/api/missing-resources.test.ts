// Compares the table "What 1.36 serves at v1 and k8ts does not" with the paths of client-node and the kinds served here.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { subresourcesOf } from './kind';
import { registry } from './registry';
import { virtualResources } from './virtual';

/** `apps/v1 deployments/scale` of each path of a v1 API; undefined for discovery, watches and paths of nothing else. */
function resourceOf(path: string): string | undefined {
  const parts = /^\/(?:api|apis\/([^/]+))\/v1\/(.*)$/.exec(path);
  if (!parts || parts[2] === '') return undefined;
  const inside = parts[2]!.replace(/^watch\//, '').replace(/^namespaces\/\{namespace\}\/(?=.)/, '');
  const [plural, , subresource] = inside.split('/');
  const group = parts[1] ? `${parts[1]}/v1` : 'v1';
  return `${group} ${subresource ? `${plural}/${subresource}` : plural}`;
}

function upstream(): ReadonlySet<string> {
  const folder = join(dirname(require.resolve('@kubernetes/client-node')), 'gen', 'apis');
  const files = readdirSync(folder).filter((name) => name.endsWith('V1Api.js'));
  const paths = files.flatMap((name) => [
    ...readFileSync(join(folder, name), 'utf8').matchAll(/localVarPath = '([^']+)'/g),
  ]);
  return new Set(paths.flatMap(([, path]) => resourceOf(path!) ?? []));
}

const served = new Set(
  [...registry, ...virtualResources].flatMap((kind) => [
    `${kind.apiVersion} ${kind.plural}`,
    ...subresourcesOf(kind).map(({ name }) => `${kind.apiVersion} ${kind.plural}/${name}`),
  ]),
);

const parentOf = (resource: string): string => resource.slice(0, resource.lastIndexOf('/'));

t.test('the reading of the paths', async (t) => {
  const cases: readonly (readonly [path: string, resource: string | undefined])[] = [
    ['/api/v1/', undefined],
    ['/apis/apps/', undefined],
    ['/api/v1/namespaces/{name}/finalize', 'v1 namespaces/finalize'],
    ['/api/v1/watch/namespaces/{namespace}/pods/{name}', 'v1 pods'],
    ['/api/v1/nodes/{name}/proxy/{path}', 'v1 nodes/proxy'],
    ['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale', 'apps/v1 deployments/scale'],
  ];
  for (const [path, resource] of cases) t.equal(resourceOf(path), resource, path);
  const all = upstream();
  t.ok(all.size > 100, `${all.size} resources`);
  t.ok(all.has('v1 pods') && all.has('storage.k8s.io/v1 csinodes'));
});

t.test('the README names what is not served, and nothing else', async (t) => {
  const [, text = ''] = readFileSync(join(__dirname, 'README.md'), 'utf8').split('## What 1.36 serves at v1');
  const table = text.split(/^## /m)[0]!;
  const rows = [...table.matchAll(/^\| `([^`]+)` \| \S/gm)].map(([, name]) => name!);
  const absent = [...upstream()].filter((name) => !served.has(name));
  // The row of a kind stands for its subresources, too.
  const missing = absent.filter((name) => !name.includes('/', name.indexOf(' ')) || served.has(parentOf(name)));
  t.same(
    [...rows].sort(),
    missing.sort(),
    'add a row for a resource that is missing, remove that of one that is served',
  );
});
