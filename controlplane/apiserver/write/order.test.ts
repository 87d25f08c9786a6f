// Compares the list of rules with the table in the README: order and phases must be the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KindCatalog } from '../../api/catalog';
import { registry } from '../../api/registry';
import { loadSchemas } from '../../api/schema/load';
import { parseCidrPair } from '../../base/cidr';
import { systemClock } from '../../base/clock';
import { openStore } from '../../store/open';
import { defaultPodSecurity } from '../admission/pod-security/config';
import { UnionAuthorizer } from '../authz/authorizer';
import { RbacAuthorizer } from '../authz/rbac';
import { openCache } from '../cache/open';
import { writeOrder } from './order';

const phases = ['mutate', 'prepare', 'validate', 'reserve', 'release'] as const;

t.test('the README names the rules, their order and their phases', async (t) => {
  const store = await openStore({ kind: 'memory' });
  const cache = await openCache(store, registry);
  const stop = new AbortController();
  t.teardown(async () => {
    stop.abort();
    await cache.close();
    await store.close();
  });
  const rbac = new RbacAuthorizer(cache);
  const deps = {
    catalog: new KindCatalog(registry),
    schemas: loadSchemas(),
    cache,
    clock: systemClock,
    authorizer: new UnionAuthorizer([rbac]),
    rbac,
    random: Math.random,
    ownersFromCreate: true,
    serviceRanges: parseCidrPair('10.96.0.0/12'),
    podSecurity: defaultPodSecurity,
    allowServiceExternalIps: false,
    signal: stop.signal,
  };
  const rules = await Promise.all(writeOrder.map((open) => open(deps)));
  const rows = rules.map((rule) => `${rule?.name}: ${phases.filter((phase) => rule?.[phase]).join(', ')}`);
  const readme = readFileSync(join(__dirname, 'README.md'), 'utf8');
  const table = [...readme.matchAll(/^\| (\w+) \| ((?:mutate|prepare|validate|reserve)[^|]*) \|/gm)];
  t.strictSame(
    table.map(([, name, listed]) => `${name}: ${listed}`),
    rows,
  );
});
