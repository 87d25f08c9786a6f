// Requests with which a user can hold the event loop of the API server: one input for each known way, and variants of them.
import {
  access,
  bytes,
  containers,
  deployment,
  deployments,
  dry,
  encode,
  field,
  fill,
  get,
  type HostileInput,
  large,
  lines,
  list,
  map,
  maps,
  namespace,
  patch,
  post,
  protobuf,
  quantity,
  review,
  text,
  yaml,
} from './hostile-request';

const selectors: readonly HostileInput[] = [
  get('field selector: 15,000 blanks', list(`fieldSelector=${'%20'.repeat(15_000)}x`)),
  get('field selector: 2,400 terms', list(`fieldSelector=${encode(lines(2_400, (i) => `metadata.name!=x${i},`))}`)),
  get('label selector: 7,000 terms', list(`labelSelector=${lines(7_000, (i) => `!k${i},`)}z`)),
  get('label selector: 9,000 values', list(`labelSelector=a+notin+(${lines(9_000, (i) => `v${i},`)})`)),
  get('label selector: dashes', list(`labelSelector=a%3D${'-'.repeat(60_000)}`)),
  get(
    'continue token of 45 kB',
    list(
      `limit=1&continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"'.padEnd(45_000, 'a')).toString('base64url')}`,
    ),
  ),
  get('query of 10,000 parameters', list(lines(10_000, (i) => `a${i}&`))),
  get('path of 60 kB', `${namespace}/${'a/'.repeat(30_000)}`),
  get('Accept of 60 kB', maps, { headers: { accept: 'application/json;as=Table;v=v9,'.repeat(1_900) } }),
  get('1,900 headers', maps, { headers: Object.fromEntries(Array.from({ length: 1_900 }, (_, i) => [`x-${i}`, 'a'])) }),
];

const bodies: readonly HostileInput[] = [
  post('JSON: 1,500,000 levels', maps, fill('{"a":', '[', '')),
  post('JSON: 3 MB of unknown keys', maps, () => Buffer.from(`{${lines(200_000, (i) => `"k${i}":1,`)}"z":1}`), large),
  post('JSON: 19,000 unknown keys', maps, () => Buffer.from(`{${lines(19_000, (i) => `"k${i}":1,`)}"z":1}`), large),
  post('JSON: 19,000 empty objects', review, fill('{"a":[{}', ',{}', ']}', 19_000 * 3), large),
  post('JSON: 3 MB of one key', `${maps}`, fill('{"a":1', ',"a":1', '}'), large),
  post(
    'JSON: a key of 1.5 MB of dots, twice',
    maps,
    () => Buffer.from(`{"${'.'.repeat(1_500_000)}":1,"${'.'.repeat(1_500_000)}":2}`),
    large,
  ),
  post(
    'JSON: 100,000 keys below a path of 2 MB',
    maps,
    () => {
      const key = 'k'.repeat(2_000);
      const inner = lines(100_000, (i) => `"${i}":1,`);
      return Buffer.from(`{"u":1,"data":${`{"${key}":`.repeat(800)}{${inner}"z":1}${'}'.repeat(800)}}`);
    },
    large,
  ),
  post('JSON: 3 MB of long numbers', maps, fill('{"data":[1', ',1234567890123456', ']}'), large),
  post('JSON: 3 MB of empty objects', review, fill('{"a":[{}', ',{}', ']}'), large),
  post('JSON: 3 MB of text', maps, () => text(map({ data: { a: '\\"\u2028'.repeat(400_000) } }))(), large),
  post(
    'YAML: 19,000 keys',
    review,
    () => Buffer.from(`kind: SelfSubjectReview\n${lines(19_000, (i) => `k${i}: 1\n`)}`),
    { type: yaml },
  ),
  post('YAML: 3 MB of keys', review, () => Buffer.from(lines(240_000, (i) => `k${i}: 1\n`)), { type: yaml, ...large }),
  post('YAML: 3 MB of list items', review, fill('a: [1', ',1', ']'), { type: yaml, ...large }),
  post('YAML: 3 MB of blank lines', review, fill('a: x', '\n', 'b: 1'), { type: yaml, ...large }),
  post('YAML: 16 kB of keys', review, () => Buffer.from(lines(1_800, (i) => `k${i}: 1\n`)), { type: yaml }),
  post(
    'YAML: nine levels of nine aliases',
    review,
    () =>
      Buffer.from(
        `a: &a [x]\n${[...'bcdefghij'].map((n) => `${n}: &${n} [${`*${String.fromCharCode(n.charCodeAt(0) - 1)},`.repeat(9)}]\n`).join('')}`,
      ),
    { type: yaml },
  ),
  post('protobuf: 3 MB of unknown fields', maps, protobuf(bytes(Buffer.from([0x78, 0x01]))), {
    type: 'application/vnd.kubernetes.protobuf',
    ...large,
  }),
  post('protobuf: 3 MB of map entries', maps, protobuf(bytes(field(2, field(1, Buffer.from('k'))))), {
    type: 'application/vnd.kubernetes.protobuf',
    ...large,
  }),
];

const merge = 'merge-patch+json';
const patches: readonly HostileInput[] = [
  patch(
    'JSON patch: 27 doubling copies',
    'json-patch+json',
    text([
      { op: 'add', path: '/data', value: { a: 'x' } },
      ...Array.from({ length: 27 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/k${i}` })),
    ]),
  ),
  patch(
    'JSON patch: 10,000 inserts into a list of 700,000',
    'json-patch+json',
    () =>
      Buffer.from(
        JSON.stringify([
          { op: 'add', path: '/x', value: new Array(700_000).fill(0) },
          ...Array.from({ length: 9_990 }, () => ({ op: 'add', path: '/x/0', value: 0 })),
        ]),
      ),
    large,
  ),
  patch(
    'JSON patch: 10,000 tests of the whole object',
    'json-patch+json',
    text(Array.from({ length: 10_000 }, () => ({ op: 'test', path: '/none', value: null }))),
  ),
  patch('merge patch: 5,000 levels', merge, () => Buffer.from(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)),
  {
    ...patch(
      'apply: 1,600 containers',
      'apply-patch+yaml',
      () => text(deployment({ containers: containers(1_600) }))(),
      large,
    ),
    path: `${deployments}/sent?fieldManager=me&${dry}`,
  },
  patch(
    'merge patch: 19,000 keys',
    merge,
    () => Buffer.from(`{"spec":{${lines(19_000, (i) => `"k${i}":1,`)}"z":1}}`),
    large,
  ),
  patch(
    'merge patch: 3 MB of keys',
    merge,
    () => Buffer.from(`{"spec":{${lines(180_000, (i) => `"k${i}":{},`)}"z":1}}`),
    large,
  ),
  patch(
    'strategic patch: 6,500 containers',
    'strategic-merge-patch+json',
    () => text({ spec: { template: { spec: { containers: containers(6_500) } } } })(),
    large,
  ),
  patch(
    'strategic patch: 19,000 finalizers',
    'strategic-merge-patch+json',
    () => text({ metadata: { finalizers: Array.from({ length: 19_000 }, (_, i) => `a/${i}`) } })(),
    large,
  ),
  {
    ...patch(
      'apply: 6,500 containers',
      'apply-patch+yaml',
      () => text(deployment({ containers: containers(6_500) }))(),
      large,
    ),
    path: `${deployments}/sent?fieldManager=me&${dry}`,
  },
  {
    ...patch(
      'apply: 4,900 labels',
      'apply-patch+yaml',
      () =>
        text({
          ...map({}),
          metadata: {
            name: 'sent',
            labels: Object.fromEntries(Array.from({ length: 4_900 }, (_, i) => [`l${i}`, 'x'])),
          },
        })(),
      large,
    ),
    path: `${maps}/sent?fieldManager=me&${dry}`,
  },
  patch(
    'managedFields: 10,000 managers',
    merge,
    () =>
      text({
        metadata: {
          managedFields: Array.from({ length: 10_000 }, (_, i) => ({
            manager: `m${i}`,
            operation: 'Update',
            apiVersion: 'v1',
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:spec': { 'f:replicas': {} } },
          })),
        },
      })(),
    large,
  ),
];

const fields: readonly HostileInput[] = [
  post('quantity of 1,000,000 digits', deployments, () => text(quantity('9'.repeat(1_000_000)))(), large),
  post('quantity 1e999999999', deployments, text(quantity('1e999999999'))),
  post('name of 3 MB', maps, () => text(map({ metadata: { name: 'a-'.repeat(1_500_000) } }))(), large),
  post('generateName of 3 MB', maps, () => text(map({ metadata: { generateName: '-'.repeat(3_000_000) } }))(), large),
  post(
    '19,000 bad label values',
    maps,
    () =>
      text(
        map({
          metadata: {
            name: 'a',
            labels: Object.fromEntries(Array.from({ length: 19_000 }, (_, i) => [`l${i}`, '-'])),
          },
        }),
      )(),
    large,
  ),
  post('3,200 containers', deployments, () => text(deployment({ containers: containers(3_200) }))()),
  post('6,500 containers', deployments, () => text(deployment({ containers: containers(6_500) }))(), large),
  post(
    '6,500 environment variables',
    deployments,
    () =>
      text(
        deployment({
          containers: [
            {
              name: 'c',
              image: 'i',
              env: Array.from({ length: 6_500 }, (_, i) => ({ name: `E${i}`, value: '$(E1)' })),
            },
          ],
        }),
      )(),
    large,
  ),
  post(
    '6,500 volumes',
    deployments,
    () =>
      text(
        deployment({
          containers: containers(1),
          volumes: Array.from({ length: 6_500 }, (_, i) => ({ name: `v${i}`, emptyDir: {} })),
        }),
      )(),
    large,
  ),
  post(
    '6,500 tolerations',
    deployments,
    () =>
      text(
        deployment({
          containers: containers(1),
          tolerations: Array.from({ length: 6_500 }, (_, i) => ({ key: `k${i}`, operator: 'Exists' })),
        }),
      )(),
    large,
  ),
  post(
    'Service of 6,500 ports',
    `${namespace}/services`,
    () =>
      text({
        metadata: { name: 'sent' },
        spec: { ports: Array.from({ length: 6_500 }, (_, i) => ({ name: `p${i}`, port: (i % 65_000) + 1 })) },
      })(),
    large,
  ),
  post(
    'NetworkPolicy of 6,500 peers',
    '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
    () =>
      text({
        metadata: { name: 'sent' },
        spec: {
          podSelector: {},
          ingress: [
            { from: Array.from({ length: 6_500 }, (_, i) => ({ ipBlock: { cidr: `10.${i >> 8}.${i & 255}.0/24` } })) },
          ],
        },
      })(),
    large,
  ),
  post(
    'Ingress of 2,800 paths',
    '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    () =>
      text({
        metadata: { name: 'sent' },
        spec: {
          rules: [
            {
              host: 'a.example',
              http: {
                paths: Array.from({ length: 2_800 }, (_, i) => ({
                  path: `/p${i}`,
                  pathType: 'Prefix',
                  backend: { service: { name: 's', port: { number: 80 } } },
                })),
              },
            },
          ],
        },
      })(),
    large,
  ),
  post(
    'EndpointSlice of 6,500 endpoints',
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    () =>
      text({
        metadata: { name: 'sent' },
        addressType: 'IPv4',
        endpoints: Array.from({ length: 6_500 }, (_, i) => ({ addresses: [`10.1.${(i >> 8) & 255}.${i & 255}`] })),
      })(),
    large,
  ),
  post(
    'Role of 2,800 rules',
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
    () =>
      text({
        metadata: { name: 'sent' },
        rules: Array.from({ length: 2_800 }, (_, i) => ({ apiGroups: [''], resources: [`r${i}`], verbs: ['get'] })),
      })(),
    large,
  ),
  post(
    'access review with 3 MB of names',
    access,
    () =>
      text({
        spec: {
          resourceAttributes: {
            verb: 'a'.repeat(1_000_000),
            resource: 'b'.repeat(1_000_000),
            namespace: 'c'.repeat(1_000_000),
          },
        },
      })(),
    large,
  ),
  post(
    'token of 3 MB',
    '/apis/authentication.k8s.io/v1/tokenreviews',
    () => text({ spec: { token: 'a.'.repeat(1_500_000) } })(),
    large,
  ),
  post(
    'certificate request of 3 MB',
    '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    () =>
      text({
        metadata: { name: 'sent' },
        spec: {
          signerName: 'a.example/b',
          usages: ['client auth'],
          request: Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n'.repeat(60_000)).toString('base64'),
        },
      })(),
    large,
  ),
  post(
    'ConfigMap of 1 MB in 20,000 keys',
    maps,
    () =>
      text(map({ data: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 'x'.repeat(30)])) }))(),
    large,
  ),
];

const lists: readonly HostileInput[] = [
  get('LIST of 3,000 objects', list('resourceVersion=0'), large),
  get('LIST of 3,000 objects as a Table with the objects', list('includeObject=Object'), {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    ...large,
  }),
  get('LIST of 3,000 objects, metadata alone', maps, {
    headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
    ...large,
  }),
  get('LIST of 3,000 objects as YAML', maps, { headers: { accept: yaml }, ...large }),
  get('watch that begins with 3,000 objects', list('watch=1'), { stream: true, ...large }),
  get('watch as a Table that begins with 3,000 objects', list('watch=1'), {
    stream: true,
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    ...large,
  }),
  get('watch for 99,999,999,999 seconds', list('watch=1&limit=1&timeoutSeconds=99999999999&labelSelector=none'), {
    stream: true,
  }),
  get('OpenAPI, version 2', '/openapi/v2', large),
];

export const apiInputs: readonly HostileInput[] = [...selectors, ...bodies, ...patches, ...fields, ...lists];
