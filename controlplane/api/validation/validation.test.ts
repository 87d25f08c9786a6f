import t from 'tap';
import type { ObjectMeta, OwnerReference } from '../types';
import { notSupported, required } from './causes';
import { maxAnnotationBytes, validateObjectMeta } from './metadata';
import * as names from './names';
import { oneOf, validateLabelSelector } from './selectors';

t.test('names of objects, labels, variables, keys, ports and path segments', async (t) => {
  const cases: Array<{ check: names.Check; good: string[]; bad: Array<[string, RegExp]> }> = [
    {
      check: names.dns1123Label,
      good: ['a', '1', 'a-b', 'a'.repeat(63)],
      bad: [
        ['a.b', /^must not contain dots$/],
        [
          'A',
          /^a lowercase RFC 1123 label must consist of .*\(e\.g\. 'my-name', {2}or '123-abc', regex used for validation is/,
        ],
        ['a'.repeat(64), /^must be no more than 63 characters$/],
        ['-a', /RFC 1123 label/],
        ['', /RFC 1123 label/],
      ],
    },
    {
      check: names.dns1123Subdomain,
      good: ['a.b-c.d', '1.2'],
      bad: [
        ['a_b', /^a lowercase RFC 1123 subdomain must consist/],
        ['a..b', /subdomain/],
        ['a\n', /subdomain/],
      ],
    },
    { check: names.dns1035Label, good: ['abc-1'], bad: [['1a', /^a DNS-1035 label must consist/]] },
    { check: names.wildcardDns1123Subdomain, good: ['*.a.b'], bad: [['a.*.b', /must start with '\*\.'/]] },
    {
      check: names.qualifiedName,
      good: ['a', 'A_b.c', 'example.com/a'],
      bad: [
        ['/a', /^prefix part must be non-empty$/],
        ['a/', /^name part must be non-empty$/],
        ['a/b/c', /^a valid label key must consist/],
        ['A.com/a', /^prefix part a lowercase RFC 1123 subdomain/],
        [`a/${'b'.repeat(64)}`, /^name part must be no more than 63 bytes$/],
        [`${'a'.repeat(254)}/b`, /^prefix part must be no more than 253 bytes$/],
      ],
    },
    { check: names.labelValue, good: ['', 'a', 'A.1_b'], bad: [['a b', /^a valid label must be an empty string/]] },
    {
      check: names.envVarName,
      good: ['A', '1a', 'a b'],
      bad: [
        ['', /non-empty/],
        ['A=B', /other than '='/],
      ],
    },
    {
      check: names.configMapKey,
      good: ['a.b', 'A_1', '.a'],
      bad: [
        ['..', /^must not be '\.\.'$/],
        ['..a', /^must not start with/],
        ['a/b', /^a valid config key/],
      ],
    },
    { check: names.percent, good: ['25%'], bad: [['25', /^a valid percent string/]] },
    {
      check: names.portName,
      good: ['http', 'a-1'],
      bad: [
        ['a'.repeat(16), /15 characters/],
        ['80', /at least one letter/],
        ['a--b', /consecutive/],
        ['-a', /begin or end/],
        ['A', /alpha-numeric/],
      ],
    },
    {
      check: names.pathSegment,
      good: ['system:node', 'a b'],
      bad: [
        ['..', /may not be/],
        ['a/b', /may not contain '\/'/],
      ],
    },
  ];
  for (const { check, good, bad } of cases) {
    for (const value of good) t.same(check(value), [], value);
    for (const [value, message] of bad) t.match(check(value).at(0), message, JSON.stringify(value));
  }
  t.same(names.portNumber(0), ['must be between 1 and 65535, inclusive']);
  t.same(names.portNumber(80), []);
  t.same(names.nonNegative(-1), ['must be greater than or equal to 0']);
});

t.test('causes have the messages of kube-apiserver', async (t) => {
  t.equal(required('a').message, 'Required value');
  t.equal(notSupported('a', 'x', ['b', 'a']).message, 'Unsupported value: "x": supported values: "b", "a"');
  t.same(oneOf('a', undefined, ['b']), []);
});

const named = { group: '', options: { schema: { model: 'V1Pod' } } };
const namespaced = { ...named, namespaced: true };
const meta = (change: Partial<ObjectMeta>): ObjectMeta => ({ name: 'a', namespace: 'b', ...change });

t.test('metadata of a new and of a changed object', async (t) => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '1', controller: true };
  const cases: Array<{ name: string; metadata: ObjectMeta; old?: ObjectMeta; causes: string[] }> = [
    { name: 'valid', metadata: meta({ labels: { a: 'b' } }), causes: [] },
    {
      name: 'no name',
      metadata: meta({ name: '' }),
      causes: ['metadata.name: Required value: name or generateName is required'],
    },
    { name: 'generated name', metadata: meta({ generateName: 'a-' }), causes: [] },
    { name: 'no namespace', metadata: { name: 'a' }, causes: ['metadata.namespace: Required value'] },
    {
      name: 'finalizer without domain',
      metadata: meta({ finalizers: ['mine'] }),
      causes: [
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
      ],
    },
    {
      name: 'annotations too large',
      metadata: meta({ annotations: { a: 'x'.repeat(maxAnnotationBytes) } }),
      causes: ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    },
    {
      name: 'two controllers',
      metadata: meta({ ownerReferences: [owner, { ...owner, name: 'q' }] }),
      causes: [
        `metadata.ownerReferences: Invalid value: ${JSON.stringify([owner, { ...owner, name: 'q' }])}: ` +
          'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q',
      ],
    },
    {
      name: 'owner without uid',
      metadata: meta({ ownerReferences: [{ ...owner, uid: '' }] }),
      causes: ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    },
    {
      name: 'empty owner',
      metadata: meta({ ownerReferences: [{} as OwnerReference, { ...owner, kind: 'Event' }] }),
      causes: [
        'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
        ...['kind', 'name', 'uid'].map(
          (key) => `metadata.ownerReferences.${key}: Invalid value: "": must not be empty`,
        ),
        `metadata.ownerReferences: Invalid value: ${JSON.stringify({ ...owner, kind: 'Event' })}: /v1, Kind=Event is disallowed from being an owner`,
      ],
    },
    {
      name: 'finalizer with a wrong shape',
      metadata: meta({ finalizers: ['-x'] }),
      causes: [
        `metadata.finalizers: Invalid value: "-x": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
        'metadata.finalizers[0]: Invalid value: "-x": name is neither a standard finalizer name nor is it fully qualified',
      ],
    },
    {
      name: 'uid changes',
      metadata: meta({ uid: '2' }),
      old: meta({ uid: '1' }),
      causes: ['metadata.uid: Invalid value: "2": field is immutable'],
    },
    {
      name: 'finalizer added while deleting',
      metadata: meta({ deletionTimestamp: 't', finalizers: ['a/b'] }),
      old: meta({ deletionTimestamp: 't' }),
      causes: [
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b"}',
      ],
    },
  ];
  for (const { name, metadata, old, causes } of cases) {
    const found = validateObjectMeta(
      namespaced,
      { metadata },
      { subresource: '', ...(old ? { old: { metadata: old } } : {}) },
    );
    t.same(
      found.map(({ field, message }) => `${field}: ${message}`),
      causes,
      name,
    );
  }
  const cluster = validateObjectMeta({ ...named, namespaced: false }, { metadata: meta({}) }, { subresource: '' });
  t.match(cluster, [{ field: 'metadata.namespace', reason: 'FieldValueForbidden' }]);
});

t.test('label selectors', async (t) => {
  const expression = (operator: string, values?: string[]) => ({ matchExpressions: [{ key: 'a', operator, values }] });
  t.same(validateLabelSelector(undefined, 's'), []);
  t.same(validateLabelSelector(expression('In', ['x']), 's'), []);
  t.match(validateLabelSelector(expression('In'), 's'), [
    { field: 's.matchExpressions[0].values', reason: 'FieldValueRequired' },
  ]);
  t.match(validateLabelSelector(expression('Exists', ['x']), 's'), [{ reason: 'FieldValueForbidden' }]);
  t.match(validateLabelSelector(expression('Like'), 's'), [
    { message: 'Invalid value: "Like": not a valid selector operator' },
  ]);
  t.match(validateLabelSelector({ matchLabels: { 'a b': 'c' } }, 's'), [{ field: 's.matchLabels' }]);
});
