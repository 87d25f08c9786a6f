import t from 'tap';
import type { KubeObject } from '../../controlplane/api/types';
import { patchFor } from './three-way';

const applied = (last: object): KubeObject => ({
  metadata: { name: 'a', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) } },
});
const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec });

t.test('what the manifest no longer says is removed, what others wrote stays', async (t) => {
  const before = applied(
    service({ selector: { app: 'web', old: '1' }, type: 'NodePort', ports: [{ port: 80 }, { port: 81 }] }),
  );
  t.strictSame(patchFor(service({ selector: { app: 'api' }, ports: [{ port: 80 }] }), before), {
    ...service({
      selector: { app: 'api', old: null },
      type: null,
      ports: [{ port: 80 }, { $patch: 'delete', port: 81 }],
    }),
  });
});

t.test('an object that kubectl did not apply loses nothing', async (t) => {
  const wanted = service({ selector: { app: 'api' } });
  t.strictSame(patchFor(wanted, { metadata: { name: 'a' } }), wanted);
  t.strictSame(
    patchFor(wanted, { metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{' } } }),
    wanted,
  );
});

t.test('lists of policies and Ingresses are replaced', async (t) => {
  const policy = (ingress: readonly object[]) => ({
    kind: 'NetworkPolicy',
    metadata: { name: 'a' },
    spec: { ingress },
  });
  t.strictSame(patchFor(policy([{}]), applied(policy([{ ports: [] }, {}]))), policy([{}]));
});
