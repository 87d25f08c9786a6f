import t from 'tap';
import { networkPolicies, services } from '../../controlplane/api';
import type { PathReport } from '../../controlplane/base/path-report';
import { editsOf, inManifest } from './remedies';

t.test('an object of the manifest is changed there, another one in the cluster', async (t) => {
  const edits = editsOf([
    { kind: networkPolicies, key: 'shop/new', change: 'created' },
    { kind: services, key: 'shop/web', change: 'unchanged' },
  ]);
  const remedyOf = (remedy: string) => {
    const fault = { code: 'X', message: '', remedy };
    const hop = { kind: 'choice', name: '', state: 'stops', facts: [], fault, leg: 'request' } as const;
    const report = { hops: [hop], verdict: { works: 'no', sentence: '', remedy } } as unknown as PathReport;
    const { hops, verdict } = inManifest(report, edits);
    t.equal(hops[0]?.fault?.remedy, verdict.remedy);
    return verdict.remedy;
  };

  t.equal(remedyOf('kubectl edit networkpolicy -n shop new'), 'change NetworkPolicy shop/new in the manifest');
  t.equal(remedyOf('kubectl edit networkpolicy -n shop old'), 'kubectl edit networkpolicy -n shop old');
  t.equal(remedyOf('kubectl edit service -n shop web'), 'kubectl edit service -n shop web');
});
