// APIServices: names, priorities, targets, the condition of local ones, columns.
import t from 'tap';
import { type Case, check, ready, row } from '../../test/lib/kind-cases';
import { apiServices } from './api-service';

const metadata = { name: 'v1.example.com', creationTimestamp: '2026-01-01T00:00:00Z' };
const spec = { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 };
const service = { namespace: 'n', name: 's' };
const local = (parts: object = {}) => ({ metadata, spec: { ...spec, ...parts } });
const remote = (parts: object = {}) => local({ service, ...parts });

t.test('defaults and columns', async (t) => {
  t.match(ready(apiServices, local()).status, { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] });
  const object = ready(apiServices, remote());
  t.match(object, { spec: { service: { port: 443 } }, status: { conditions: undefined } });
  const condition = (status: string, reason?: string) => ({
    status: { conditions: [{ type: 'Available', status, reason }] },
  });
  t.same(row(apiServices, ready(apiServices, local())), ['v1.example.com', 'Local', 'True', '60s']);
  t.same(row(apiServices, object), ['v1.example.com', 'n/s', 'Unknown', '60s']);
  const failing = { ...object, ...condition('False', 'MissingEndpoints') } as typeof object;
  t.equal(row(apiServices, failing)[2], 'False (MissingEndpoints)');
  t.equal(row(apiServices, { ...object, ...condition('True', 'Passed') } as typeof object)[2], 'True');
});

t.test('rules', async (t) => {
  const cases: Case[] = [
    { name: 'local', body: local(), causes: [] },
    { name: 'remote', body: remote({ caBundle: 'eA==' }), causes: [] },
    {
      name: 'another name',
      body: { metadata: { name: 'v2.example.com' }, spec },
      causes: [
        'metadata.name: Invalid value: "v2.example.com": must be `spec.version+"."+spec.group`: "v1.example.com"',
      ],
    },
    {
      name: 'no group',
      body: { metadata: { name: 'v2.' }, spec: { ...spec, group: '', version: 'v2' } },
      causes: ['spec.group: Required value: only v1 may have an empty group and it better be legacy kube'],
    },
    {
      name: 'group and version',
      body: { metadata: { name: 'V.A_' }, spec: { ...spec, group: 'A_', version: 'V' } },
      causes: [/^spec\.group: Invalid value: "A_"/, /^spec\.version: Invalid value: "V": a DNS-1035 label/],
    },
    {
      name: 'priorities',
      body: local({ groupPriorityMinimum: 20_001, versionPriority: 0 }),
      causes: [
        'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
        'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
      ],
    },
    {
      name: 'trust without a service',
      body: local({ caBundle: 'eHh4', insecureSkipTLSVerify: true }),
      causes: [
        'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
        'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
      ],
    },
    {
      name: 'a service',
      body: local({ service: { port: 70_000 }, caBundle: 'eA==', insecureSkipTLSVerify: true }),
      causes: [
        'spec.service.namespace: Required value',
        'spec.service.name: Required value',
        'spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive',
        'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
      ],
    },
    {
      name: 'a condition',
      old: remote(),
      subresource: 'status',
      body: { ...remote(), status: { conditions: [{ type: 'Available', status: 'Maybe' }] } },
      causes: ['status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"'],
    },
  ];
  check(t, apiServices, cases);
});
