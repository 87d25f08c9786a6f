// Hostile custom objects and definitions: what a user can make a schema, its patterns, its rules and its columns cost.
import { dry, get, type HostileInput, large, post, text } from './hostile-request';

const group = 'hostile.example.com';
export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const repeat = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));
const fields = (count: number, schema: object) => Object.fromEntries(repeat(count, (i) => [`f${i}`, schema]));

const definition = (plural: string, spec: object, version: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural, kind: plural },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        ...version,
      },
    ],
  },
});
const pathOf = (plural: string) => `/apis/${group}/v1/namespaces/default/${plural}`;
const custom = (plural: string, spec: unknown) => ({
  apiVersion: `${group}/v1`,
  kind: plural,
  metadata: { name: 'sent' },
  spec,
});

const pattern = '(a?){400}b';
const rule = (expression: string) => ({ 'x-kubernetes-validations': [{ rule: expression }] });
const strings = { type: 'array', items: { type: 'string' } };

/** Created before the inputs, with the path at which each is served. */
export const seededDefinitions: readonly { readonly object: object; readonly path: string }[] = [
  { plural: 'patterns', spec: { type: 'array', items: { type: 'string', pattern } } },
  { plural: 'matches', spec: { type: 'string', ...rule("self.matches('(a?){900}(b|c)$')") } },
  { plural: 'replaces', spec: { type: 'string', ...rule("self.replace('', 'b', 90000) != ''") } },
  { plural: 'durations', spec: { type: 'string', ...rule("duration(self) > duration('1h')") } },
  {
    plural: 'zones',
    spec: { ...strings, ...rule("self.all(x, timestamp('2026-01-01T00:00:00Z').getHours('Asia/Tokyo') > 0)") },
  },
  {
    plural: 'columns',
    spec: { type: 'string' },
    version: {
      additionalPrinterColumns: repeat(2_000, (i) => ({ name: `c${i}`, type: 'string', jsonPath: '.spec' })),
    },
  },
].map(({ plural, spec, version }) => ({ object: definition(plural, spec, version), path: pathOf(plural) }));

export const seededCustomObjects = [
  { path: pathOf('columns'), object: custom('columns', 'x'.repeat(900_000)) },
] as const;

const send = (name: string, plural: string, spec: unknown, rest: Partial<HostileInput> = {}) =>
  post(`custom object: ${name}`, pathOf(plural), text(custom(plural, spec)), rest);

export const definitionInputs: readonly HostileInput[] = [
  send('3,000 texts, each with a slow pattern', 'patterns', Array(3_000).fill('a'.repeat(200))),
  send('a rule matches a slow pattern', 'matches', 'a'.repeat(500_000)),
  send('a rule replaces 90,000 times', 'replaces', 'a'.repeat(90_000)),
  send('a rule reads a duration of 100,000 digits', 'durations', '1'.repeat(100_000)),
  send('a rule asks for 15,000 time zones', 'zones', Array(15_000).fill('a'), large),
  get('custom object: 2,000 columns of 900 kB', pathOf('columns'), { headers: { accept: table } }),
  {
    name: 'definition: 12,000 fields',
    method: 'POST',
    path: `${definitionsPath}?${dry}`,
    type: 'application/json',
    body: text(definition('wides', { type: 'object', properties: fields(12_000, { type: 'string' }) })),
    ...large,
  },
];
