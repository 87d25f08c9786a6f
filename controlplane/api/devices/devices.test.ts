// The kinds of resource.k8s.io: defaults, rules, what may not change, the status of claims, columns.
import t from 'tap';
import { type Case, check, ready, row } from '../../../test/lib/kind-cases';
import { deviceClasses } from '../device-class';
import { resourceClaims } from '../resource-claim';
import { resourceClaimTemplates } from '../resource-claim-template';
import { resourceSlices } from '../resource-slice';

const metadata = { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' };
const request = { name: 'r', exactly: { deviceClassName: 'c' } };
const claim = (devices: object) => ({ metadata, spec: { devices } });
const exactly = (fields: object) => claim({ requests: [{ name: 'r', exactly: { deviceClassName: 'c', ...fields } }] });
const base = claim({ requests: [request] });

t.test('ResourceClaim: defaults and columns', async (t) => {
  const tolerations = [{ key: 'k' }];
  const object = ready(
    resourceClaims,
    claim({
      requests: [
        { name: 'r', exactly: { deviceClassName: 'c', tolerations } },
        { name: 's', firstAvailable: [{ name: 'x', deviceClassName: 'c', allocationMode: 'All' }] },
      ],
    }),
  );
  t.match(object.spec.devices?.requests, [
    { exactly: { allocationMode: 'ExactCount', count: 1, tolerations: [{ operator: 'Equal' }] } },
    { firstAvailable: [{ allocationMode: 'All', count: undefined }] },
  ]);
  t.same(object.status, {}, 'a new claim has no status');
  const states: readonly [object, string][] = [
    [{}, 'pending'],
    [{ status: { allocation: {} } }, 'allocated'],
    [{ status: { allocation: {}, reservedFor: [{}] } }, 'allocated,reserved'],
    [{ metadata: { ...metadata, deletionTimestamp: 'x' } }, 'deleted'],
    [{ metadata: { ...metadata, deletionTimestamp: 'x' }, status: { allocation: {} } }, 'deleted,allocated'],
  ];
  for (const [parts, state] of states) {
    t.same(row(resourceClaims, { ...object, ...parts }), ['a', state, '60s'], state);
  }
});

t.test('ResourceClaim: rules of the spec', async (t) => {
  const f = 'spec.devices.requests[0].exactly';
  const reference =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const cases: Case[] = [
    { name: 'the least', body: base, causes: [] },
    { name: 'no devices', body: claim({}), causes: [] },
    {
      name: 'neither form',
      body: claim({ requests: [{ name: 'r' }] }),
      causes: ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    },
    {
      name: 'both forms',
      body: claim({ requests: [{ ...request, firstAvailable: [{ name: 'x', deviceClassName: 'c' }] }] }),
      causes: [
        'spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
      ],
    },
    {
      name: 'names',
      body: claim({ requests: [request, request, { ...request, name: 'A' }] }),
      causes: [
        /^spec\.devices\.requests\[2\]\.name: Invalid value: "A"/,
        'spec.devices.requests[1]: Duplicate value: "r"',
      ],
    },
    { name: 'class', body: exactly({ deviceClassName: '' }), causes: [`${f}.deviceClassName: Required value`] },
    {
      name: 'mode',
      body: exactly({ allocationMode: 'Some' }),
      causes: [`${f}.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
    },
    {
      name: 'count',
      body: exactly({ count: -1 }),
      causes: [`${f}.count: Invalid value: -1: must be greater than zero`],
    },
    {
      name: 'count of all',
      body: exactly({ allocationMode: 'All', count: 1 }),
      causes: [`${f}.count: Invalid value: 1: must not be specified when allocationMode is 'All'`],
    },
    { name: 'selector', body: exactly({ selectors: [{}] }), causes: [`${f}.selectors[0].cel: Required value`] },
    {
      name: 'tolerations',
      body: exactly({
        tolerations: [
          { key: 'a/b/c', operator: 'Exists', value: 'x' },
          { operator: 'Like', effect: 'Never' },
        ],
      }),
      causes: [
        /^spec.*tolerations\[0\]\.key: Invalid value: "a\/b\/c"/,
        `${f}.tolerations[0].value: Invalid value: "x": must be empty for operator \`Exists\``,
        `${f}.tolerations[1].operator: Unsupported value: "Like": supported values: "Equal", "Exists"`,
        `${f}.tolerations[1].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"`,
      ],
    },
    {
      name: 'too many requests',
      body: claim({ requests: Array.from({ length: 33 }, (_, i) => ({ ...request, name: `r${i}` })) }),
      causes: ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    },
    {
      name: 'constraints',
      body: claim({
        requests: [request],
        constraints: [
          { requests: ['r', 'r', 'x', 'a/b/c'], matchAttribute: 'model' },
          { distinctAttribute: 'd.example.com/model' },
          {},
        ],
      }),
      causes: [
        `spec.devices.constraints[0].requests[2]: Invalid value: "x": ${reference}`,
        `spec.devices.constraints[0].requests[3]: Invalid value: "a/b/c": ${reference}`,
        'spec.devices.constraints[0].requests[1]: Duplicate value: "r"',
        'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
        /^spec\.devices\.constraints\[2\]: Required value: exactly one of/,
      ],
    },
    {
      name: 'configuration',
      body: claim({
        config: [
          {},
          { opaque: { driver: '', parameters: [] } },
          { opaque: { driver: 'd', parameters: { x: 'x'.repeat(10_240) } } },
        ],
      }),
      causes: [
        'spec.devices.config[0].opaque: Required value',
        'spec.devices.config[1].opaque.driver: Required value',
        'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
        'spec.devices.config[2].opaque.parameters: Too long: may not be more than 10240 bytes',
      ],
    },
    { name: 'nothing changes', old: base, body: base, causes: [] },
    { name: 'a change', old: base, body: claim({}), causes: [/^spec: Invalid value: .*: field is immutable$/] },
  ];
  check(t, resourceClaims, cases);
});

const result = { request: 'r', driver: 'd', pool: 'p', device: 'x' };
const allocation = { devices: { results: [result] } };
const consumer = { resource: 'pods', name: 'p', uid: 'u' };

t.test('ResourceClaim: rules of the status', async (t) => {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'R',
    message: '',
    lastTransitionTime: metadata.creationTimestamp,
  };
  const device = { driver: 'd', pool: 'p', device: 'x' };
  const report = (parts: object) => ({ allocation, devices: [{ ...device, ...parts }] });
  const status = (name: string, after: object, causes: Case['causes'], before: object = {}): Case => ({
    name,
    old: base,
    status: before,
    subresource: 'status',
    body: { ...base, status: after },
    causes,
  });
  check(t, resourceClaims, [
    status('an allocation', { allocation, reservedFor: [consumer] }, []),
    status('the same allocation', { allocation }, [], { allocation }),
    status('no more allocation', {}, [], { allocation }),
    status('another allocation', { allocation: {} }, [/^status\.allocation: Invalid value: .*: field is immutable$/], {
      allocation,
    }),
    status('a consumer without an allocation', { reservedFor: [consumer, { ...consumer, name: '' }] }, [
      'status.reservedFor[1].name: Required value',
      'status.reservedFor[1]: Duplicate value: "u"',
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ]),
    status('a result', { allocation: { devices: { results: [{ ...result, request: 'q', shareID: 'X' }] } } }, [
      /^status\.allocation\.devices\.results\[0\]\.request: Invalid value: "q"/,
      /^status\.allocation\.devices\.results\[0\]\.shareID: Invalid value: "X"/,
    ]),
    status(
      'configuration',
      {
        allocation: {
          devices: {
            config: [
              { source: 'FromPod', opaque: { driver: 'd', parameters: {} } },
              { source: '', opaque: { driver: 'd', parameters: {} } },
            ],
          },
        },
      },
      [
        'status.allocation.devices.config[0].source: Unsupported value: "FromPod": supported values: "FromClaim", "FromClass"',
        'status.allocation.devices.config[1].source: Required value',
      ],
    ),
    status('a report', report({ conditions: [condition], data: { a: 1 }, networkData: { ips: ['192.0.2.7/24'] } }), []),
    status('a report about another device', { allocation, devices: [{ ...device, device: 'y' }] }, [
      'status.devices[0]: Invalid value: {"Driver":"d","Pool":"p","Device":"y","ShareID":""}: must be an allocated device in the claim',
    ]),
    status('two reports', { allocation, devices: [device, device] }, [
      'status.devices[1]: Duplicate value: {"Driver":"d","Pool":"p","Device":"x","ShareID":""}',
    ]),
    status('conditions', report({ conditions: [condition, { ...condition, status: 'Maybe', reason: '1' }] }), [
      'status.devices[0].conditions[1].type: Duplicate value: "Ready"',
      'status.devices[0].conditions[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
      /^status\.devices\[0\]\.conditions\[1\]\.reason: Invalid value: "1": a condition reason must start with/,
    ]),
    status('addresses', report({ networkData: { ips: ['192.0.2.7', '2001:DB8::1/64', '192.0.2.7/33'] } }), [
      /^status\.devices\[0\]\.networkData\.ips\[0\]: Invalid value: "192\.0\.2\.7": must be a valid address in CIDR form/,
      'status.devices[0].networkData.ips[1]: Invalid value: "2001:DB8::1/64": must be in canonical form ("2001:db8::1/64")',
      /^status\.devices\[0\]\.networkData\.ips\[2\]: Invalid value: "192\.0\.2\.7\/33": must be a valid address/,
    ]),
    {
      name: 'a new consumer of a claim that is being deleted',
      old: base,
      status: { allocation, reservedFor: [consumer] },
      subresource: 'status',
      body: {
        ...base,
        metadata: { ...metadata, deletionTimestamp: metadata.creationTimestamp },
        status: { allocation, reservedFor: [consumer, { ...consumer, uid: 'v' }] },
      },
      causes: [
        'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
      ],
    },
  ]);

  const old = { ...ready(resourceClaims, base), status: report({}) };
  const freed = ready(resourceClaims, { ...base, status: { devices: [device] } }, old, 'status');
  t.same(freed.status, {}, 'reports about devices that the claim has no more are removed');
});

t.test('ResourceClaimTemplate', async (t) => {
  const template = (spec: object) => ({ metadata, spec });
  const old = template({ spec: base.spec });
  const object = ready(resourceClaimTemplates, old);
  t.match(object.spec.spec.devices?.requests, [{ exactly: { allocationMode: 'ExactCount', count: 1 } }]);
  t.same(row(resourceClaimTemplates, object), ['a', '60s']);
  check(t, resourceClaimTemplates, [
    { name: 'the least', body: old, causes: [] },
    {
      name: 'labels and devices',
      body: template({ metadata: { labels: { 'a/b/c': '' } }, spec: { devices: { requests: [{ name: 'r' }] } } }),
      causes: [
        /^spec\.metadata\.labels: Invalid value: "a\/b\/c"/,
        /^spec\.spec\.devices\.requests\[0\]: Required value/,
      ],
    },
    { name: 'a change', old, body: template({ spec: { devices: {} } }), causes: [/^spec: .*: field is immutable$/] },
  ]);
});

t.test('DeviceClass', async (t) => {
  const long = { opaque: { driver: 'd', parameters: { x: 'x'.repeat(10_240) } } };
  t.same(row(deviceClasses, ready(deviceClasses, { metadata, spec: {} })), ['a', '60s']);
  check(t, deviceClasses, [
    { name: 'the least', body: { metadata, spec: {} }, causes: [] },
    {
      name: 'selectors, configuration, resource',
      body: { metadata, spec: { selectors: [{}], config: [{}], extendedResourceName: 'cpu' } },
      causes: [
        'spec.selectors[0].cel: Required value',
        'spec.config[0].opaque: Required value',
        'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
      ],
    },
    {
      name: 'parameters that were accepted once',
      old: { metadata, spec: { config: [long] } },
      body: { metadata, spec: { config: [long], extendedResourceName: 'example.com/r' } },
      causes: [],
    },
  ]);
});

const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
const slice = (spec: object) => ({ metadata, spec: { driver: 'd', pool, nodeName: 'n', ...spec } });
const devices = (...list: object[]) => slice({ devices: list.map((device) => ({ name: 'x', ...device })) });

t.test('ResourceSlice: defaults, fields, columns', async (t) => {
  const object = ready(
    resourceSlices,
    devices({
      taints: [{ key: 'k', effect: 'None' }],
      attributes: { a: { string: 's', strings: ['t'] } },
      nodeAllocatableResourceMappings: { cpu: {} },
    }),
  );
  t.match(object.spec.devices?.[0], {
    taints: [{ timeAdded: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ }],
    attributes: { a: { strings: undefined } },
    nodeAllocatableResourceMappings: undefined,
  });
  t.same(row(resourceSlices, object), ['a', 'n', 'd', 'p', '60s']);
  const { fields = {}, unknownField } = resourceSlices.options;
  t.same([fields['spec.nodeName']?.(object), fields['spec.driver']?.(object)], ['n', 'd']);
  t.equal(unknownField?.('"x"'), 'field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: x');
});

t.test('ResourceSlice: rules', async (t) => {
  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const term = { matchExpressions: [{ key: 'k', operator: 'Exists' }] };
  const counters = { c: { value: '1' } };
  const capacity = (requestPolicy: object) =>
    devices({ allowMultipleAllocations: true, capacity: { m: { value: '10', requestPolicy } } });
  const policy = 'spec.devices[0].capacity[m].requestPolicy';
  const cases: Case[] = [
    { name: 'the least', body: slice({}), causes: [] },
    {
      name: 'pool',
      body: slice({ pool: { name: 'a//b', generation: -1, resourceSliceCount: 0 } }),
      causes: [
        /^spec\.pool\.name: Invalid value: ""/,
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    },
    { name: 'no node', body: { metadata, spec: { driver: 'd', pool } }, causes: [`spec: Required value: ${one}`] },
    {
      name: 'two places',
      body: slice({ allNodes: true }),
      causes: [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${one}, but multiple fields are set`],
    },
    {
      name: 'false values',
      body: slice({ nodeName: '', allNodes: false, perDeviceNodeSelection: false }),
      causes: [
        'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
        'spec.allNodes: Invalid value: false: must be either unset or set to true',
        'spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true',
        `spec: Required value: ${one}`,
      ],
    },
    {
      name: 'two terms',
      body: { metadata, spec: { driver: 'd', pool, nodeSelector: { nodeSelectorTerms: [term, term] } } },
      causes: [/^spec\.nodeSelector\.nodeSelectorTerms: .*: must have exactly one node selector term$/],
    },
    {
      name: 'devices and counters',
      body: slice({
        devices: [{ name: 'x' }],
        sharedCounters: [
          { name: 's', counters },
          { name: 's', counters: {} },
        ],
      }),
      causes: [
        'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
        'spec.sharedCounters[1].counters: Required value',
        'spec.sharedCounters[1]: Duplicate value: "s"',
      ],
    },
    {
      name: 'many devices with taints',
      body: slice({
        devices: Array.from({ length: 65 }, () => ({ name: 'x', taints: [{ key: 'k', effect: 'None' }] })),
      }),
      causes: ['spec.devices: Too many: 65: must have at most 64 items'],
    },
    {
      name: 'attributes',
      body: devices({
        attributes: {
          'a.example.com/b/c': { int: 1 },
          '/x': { int: 1 },
          'd/1x': { int: 1 },
          none: {},
          two: { int: 1, bool: true },
          version: { version: '1.02.0' },
          text: { string: 'x'.repeat(65) },
        },
      }),
      causes: [
        'spec.devices[0].attributes: Invalid value: "a.example.com/b/c": must not contain more than one slash',
        'spec.devices[0].attributes: Invalid value: "": the domain must not be empty',
        /^spec\.devices\[0\]\.attributes: Invalid value: "1x": a valid C identifier must start with/,
        'spec.devices[0].attributes[none]: Invalid value: "": exactly one value must be specified',
        /^spec\.devices\[0\]\.attributes\[two\]: Invalid value: .*: exactly one value must be specified$/,
        'spec.devices[0].attributes[version].version: Invalid value: "1.02.0": must be a string compatible with semver.org spec 2.0.0',
        'spec.devices[0].attributes[text].string: Too long: may not be more than 64 bytes',
      ],
    },
    {
      name: 'many attributes',
      body: devices({ attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, { int: i }])) }),
      causes: ['spec.devices[0]: Invalid value: 33: the total number of attributes and capacities must not exceed 32'],
    },
    {
      name: 'taints',
      body: devices({
        taints: [
          { key: '', effect: '' },
          { key: 'k', effect: 'Never' },
        ],
      }),
      causes: [
        /^spec\.devices\[0\]\.taints\[0\]\.key: Invalid value: "": name part must be non-empty/,
        /^spec\.devices\[0\]\.taints\[0\]\.key: Invalid value: ""/,
        'spec.devices[0].taints[0].effect: Required value',
        /^spec\.devices\[0\]\.taints\[1\]\.effect: Unsupported value: "Never"/,
      ],
    },
    {
      name: 'binding conditions',
      body: devices({ bindingConditions: ['a', 'a'], bindingFailureConditions: ['a'] }, { bindingConditions: ['a'] }),
      causes: [
        'spec.devices[0].bindingConditions[1]: Duplicate value: "a"',
        'spec.devices[0].bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions',
        'spec.devices[1].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions',
        'spec.devices[1]: Duplicate value: "x"',
      ],
    },
    {
      name: 'nodes of a device',
      body: devices({ nodeName: 'n' }),
      causes: [
        /^spec\.devices\[0\]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if/,
      ],
    },
    {
      name: 'nodes of each device',
      body: {
        metadata,
        spec: {
          driver: 'd',
          pool,
          perDeviceNodeSelection: true,
          devices: [{ name: 'a' }, { name: 'b', nodeName: 'n', allNodes: true }, { name: 'c', nodeName: '' }],
        },
      },
      causes: [
        /^spec\.devices\[0\]: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required/,
        /^spec\.devices\[1\]: Invalid value: "\{`nodeName`, `allNodes`\}": exactly one of/,
        'spec.devices[2].nodeName: Invalid value: "": must not be empty',
        /^spec\.devices\[2\]: Required value: exactly one of/,
      ],
    },
    {
      name: 'a policy of a device that is not shared',
      body: devices({ capacity: { m: { value: '1', requestPolicy: { default: '1' } } } }),
      causes: [`${policy}: Forbidden: allowMultipleAllocations must be true`],
    },
    {
      name: 'values',
      body: capacity({ default: '3', validValues: ['1', '20', '4', '1'] }),
      causes: [
        `${policy}.validValues[2]: Invalid value: "4": values must be sorted in ascending order`,
        `${policy}.validValues[3]: Invalid value: "1": values must be sorted in ascending order`,
        `${policy}.validValues[1]: Invalid value: "20": option is larger than capacity value: 10`,
        `${policy}.validValues[3]: Duplicate value: "1"`,
        `${policy}.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`,
      ],
    },
    {
      name: 'a range',
      body: capacity({ default: '1', validRange: { min: '2', max: '11', step: '2' } }),
      causes: [
        `${policy}.validRange.min: Invalid value: "1": default is less than min: 2`,
        `${policy}.validRange.max: Invalid value: "11": max is larger than capacity value: 10`,
        `${policy}.validRange.step: Invalid value: "1": value is not a multiple of a given step (2) from (2)`,
        `${policy}.validRange.step: Invalid value: "11": value is not a multiple of a given step (2) from (2)`,
      ],
    },
    {
      name: 'no step',
      body: capacity({ default: '2', validRange: { min: '2', step: '0' } }),
      causes: [`${policy}.validRange.step: Invalid value: "0": must be greater than zero`],
    },
    {
      name: 'what may not change',
      old: slice({}),
      body: slice({ driver: 'e', nodeName: 'm', pool: { ...pool, name: 'q', generation: 2 } }),
      causes: [
        'spec.pool.name: Invalid value: "q": field is immutable',
        'spec.driver: Invalid value: "e": field is immutable',
        'spec.nodeName: Invalid value: "m": field is immutable',
      ],
    },
  ];
  check(t, resourceSlices, cases);
});
