// Dependencies point one way (CONTRIBUTING.md): who may import whom.
import t from 'tap';
import { isTest, parseSource, readSources, type SourceFile } from './sources';

/** Folder → folders it may import in addition to itself. The longest matching folder counts. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'controlplane/base': [],
  'controlplane/api': ['controlplane/base'],
  'controlplane/cel': ['controlplane/base', 'controlplane/api'],
  'controlplane/grpc': ['controlplane/base'],
  'controlplane/store': ['controlplane/base', 'controlplane/grpc'],
  'controlplane/pki': ['controlplane/base'],
  'controlplane/client': ['controlplane/base', 'controlplane/api'],
  'controlplane/controllers': ['controlplane/base', 'controlplane/api', 'controlplane/client', 'controlplane/pki'],
  'controlplane/scheduler': ['controlplane/base', 'controlplane/api', 'controlplane/client'],
  // It implements the client's Transport port for the controllers in the same process.
  'controlplane/apiserver': [
    'controlplane/base',
    'controlplane/api',
    'controlplane/cel',
    'controlplane/store',
    'controlplane/client',
    'controlplane/pki',
  ],
  // Its server part implements the API server's port for pages; the page itself is a program of its own, in a browser.
  'controlplane/console': ['controlplane/apiserver', 'controlplane/api', 'controlplane/base'],
  'controlplane/console/model': ['controlplane/console/texts', 'controlplane/base'],
  'controlplane/console/texts': [],
  'controlplane/console/web': ['controlplane/console/model', 'controlplane/console/texts', 'controlplane/base'],
  'controlplane/process': ['controlplane/base'],
  // Composition roots: they only put parts together.
  'controlplane/server': ['controlplane'],
  'agents/k8ts': ['controlplane/server', 'controlplane/process', 'dataplane/notify', 'agents'],
  dataplane: ['controlplane/base'],
  agents: [
    'controlplane/base',
    'controlplane/api',
    'controlplane/client',
    'controlplane/grpc',
    'controlplane/pki',
    'controlplane/process',
    'dataplane',
  ],
};
/**
 * A tool that says what others do, or would do, runs the same pure code as they do: the zone of names, the routes of Ingresses, what rules are
 * compiled from, the endpoints of a Service.
 */
const translations: Readonly<Record<string, readonly string[]>> = {
  'agents/path': ['agents/dns/translate', 'agents/ingress/translate', 'controlplane/controllers/endpointslice/plan'],
  'agents/hops': ['agents/kube-proxy/translate', 'agents/kube-proxy/policy/translate'],
};
/** Agents do not import each other: each agent's folder follows the rule of `agents`. */
const agentOf = (path: string): string => path.split('/').slice(0, 2).join('/');

function ruleOf(path: string): { folder: string; may: readonly string[] } | undefined {
  const folder = Object.keys(allowed)
    .filter((name) => path.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
  return folder === undefined
    ? undefined
    : folder === 'agents'
      ? { folder: agentOf(path), may: [...allowed[folder]!, ...(translations[agentOf(path)] ?? [])] }
      : { folder, may: allowed[folder]! };
}

function violations(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, imports }) => {
    const rule = ruleOf(path);
    if (!rule || isTest(path)) return [];
    return imports
      .filter(({ target }) => target !== undefined)
      .filter(
        ({ target }) =>
          ![rule.folder, 'package.json', ...rule.may].some(
            (folder) => target === folder || target!.startsWith(`${folder}/`),
          ),
      )
      .map(({ target }) => `${path} imports ${target}`);
  });
}

t.test('every import follows the direction', async (t) => {
  const files = readSources();
  t.ok(files.length > 100, 'the sources were found');
  t.strictSame(violations(files), []);
});

t.test('the two halves and the agents are layers, without exceptions', async (t) => {
  const leads = (from: string, to: string) =>
    Object.entries(allowed)
      .filter(([folder]) => folder === from || folder.startsWith(`${from}/`))
      .flatMap(([folder, may]) => may.map((target) => ({ folder, target })))
      .filter(({ target }) => target === to || target.startsWith(`${to}/`));
  t.strictSame([...leads('controlplane', 'agents'), ...leads('controlplane', 'dataplane')], [], 'controlplane');
  t.strictSame(
    [...leads('dataplane', 'agents'), ...leads('dataplane', 'controlplane')],
    [{ folder: 'dataplane', target: 'controlplane/base' }],
    'dataplane imports only the base',
  );
  t.strictSame(
    leads('agents', 'agents'),
    [{ folder: 'agents/k8ts', target: 'agents' }],
    'agents do not import each other',
  );
});

/** A controller imports no other controller: shared code is in shared/, which imports none of them. */
const siblings = (files: readonly ReturnType<typeof parseSource>[]): string[] =>
  files.flatMap(({ path, imports }) => {
    const folder = controllerOf(path);
    if (folder === undefined || path.endsWith('.test.ts')) return [];
    return imports
      .flatMap(({ target }) => target ?? [])
      .filter((target) => {
        const other = controllerOf(target);
        return other !== undefined && other !== folder && other !== 'shared';
      })
      .map((target) => `${path} imports ${target}`);
  });
const controllerOf = (path: string): string | undefined => /^controlplane\/controllers\/([a-z-]+)\//.exec(path)?.[1];

t.test('controllers import no sibling but shared', async (t) => {
  t.strictSame(siblings(readSources()), []);
  const file = (path: string, target: string) => siblings([parseSource(path, `import { x } from '${target}';`)]);
  const job = 'controlplane/controllers/job/a.ts';
  t.strictSame(file(job, '../replicaset/plan'), [`${job} imports controlplane/controllers/replicaset/plan`]);
  const shared = 'controlplane/controllers/shared/a.ts';
  t.strictSame(file(shared, '../job/plan'), [`${shared} imports controlplane/controllers/job/plan`]);
  t.strictSame([...file(job, '../shared/claim'), ...file(job, './plan')], []);
});

t.test('the check finds forbidden imports', async (t) => {
  const file = (path: string, text: string) => [parseSource(path, text)];
  t.strictSame(violations(file('dataplane/link/a.ts', "import { x } from '../../controlplane/api/types';")), [
    'dataplane/link/a.ts imports controlplane/api/types',
  ]);
  t.strictSame(violations(file('controlplane/server/a.ts', "import { x } from '../../agents/dns/options';")), [
    'controlplane/server/a.ts imports agents/dns/options',
  ]);
  t.strictSame(violations(file('dataplane/dns/a.ts', "import { x } from '../../controlplane/process/options';")), [
    'dataplane/dns/a.ts imports controlplane/process/options',
  ]);
  t.strictSame(violations(file('agents/dns/a.ts', "import type { x } from '../kubelet/options';")), [
    'agents/dns/a.ts imports agents/kubelet/options',
  ]);
  t.strictSame(violations(file('agents/dns/a.ts', "const x = await import('../../controlplane/store/open');")), [
    'agents/dns/a.ts imports controlplane/store/open',
  ]);
  t.strictSame(violations(file('controlplane/base/a.ts', "export { x } from '../api/types';")), [
    'controlplane/base/a.ts imports controlplane/api/types',
  ]);
  t.strictSame(violations(file('agents/dns/a.ts', "import x from '../../dataplane/dns/zone';\nimport './b';")), []);
});

t.test('only tests import test, only hack and tests import hack', async (t) => {
  const wrong = readSources().flatMap(({ path, imports }) =>
    imports
      .filter(
        ({ target = '' }) =>
          (target.startsWith('test/') && !isTest(path) && !path.startsWith('hack/')) ||
          (target.startsWith('hack/') && !path.startsWith('hack/') && !isTest(path)),
      )
      .map(({ target }) => `${path} imports ${target}`),
  );
  t.strictSame(wrong, []);
});

t.test('only the server, hack and tests import the registry: all others get a catalog', async (t) => {
  const importers = readSources()
    .filter(({ path }) => !isTest(path) && !path.startsWith('hack/'))
    .filter(({ imports }) => imports.some(({ target }) => target === 'controlplane/api/registry'))
    .map(({ path }) => path);
  t.strictSame(importers, ['controlplane/server/main.ts', 'controlplane/server/store/check.ts']);
});

t.test('the only barrel is controlplane/api/index.ts', async (t) => {
  const barrels = readSources()
    .filter(({ path }) => path.endsWith('/index.ts'))
    .map(({ path }) => path);
  t.strictSame(
    barrels.filter((path) => path !== 'controlplane/api/index.ts'),
    [],
  );
});
