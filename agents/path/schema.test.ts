// The schema of --output json: reports fit it, others do not, and it has the fields of the types, neither more nor less.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import type { HopPacket } from '../../controlplane/base/hops';
import type { LocatedHop, ObjectChange, PathReport, Verdict } from '../../controlplane/base/path-report';
import { type JsonSchema, schemaErrors } from '../../test/lib/json-schema';
import { completeReport, stoppedReport, worksReport } from './report.fixture';
import text from './schema.json';

const schema = text as unknown as JsonSchema;
const errorsOf = (report: unknown) => schemaErrors(JSON.parse(JSON.stringify(report)), schema);

t.test('reports fit', async (t) => {
  for (const report of [worksReport, stoppedReport, completeReport]) t.strictSame(errorsOf(report), []);
});

t.test('what is no report does not fit', async (t) => {
  const [hop, ...hops] = completeReport.hops;
  const withHop = (changes: object) => ({ ...completeReport, hops: [{ ...hop, ...changes }, ...hops] });
  const { verdict: _, ...noVerdict } = worksReport;
  const cases: readonly (readonly [unknown, string])[] = [
    [[], '$: array, not object'],
    [noVerdict, '$: verdict is missing'],
    [{ ...worksReport, kind: 'HopReport' }, '$.kind: not "PathReport"'],
    [{ ...worksReport, more: 1 }, '$: more is not known'],
    [{ ...worksReport, probed: 'yes' }, '$.probed: string, not boolean'],
    [withHop({ state: 'fails' }), '$.hops[0].state: none of passes, stops, doubtful, unknown'],
    [withHop({ leg: undefined }), '$.hops[0]: leg is missing'],
    [withHop({ facts: [1] }), '$.hops[0].facts[0]: integer, not string'],
    [withHop({ fault: { code: 'no route', message: '' } }), '$.hops[0].fault.code: does not match ^[A-Z][A-Za-z0-9]*$'],
    [
      withHop({ becomes: { protocol: 'tcp', source: 'a', destination: 'b', sourcePort: 65_536 } }),
      '$.hops[0].becomes.sourcePort: 65536 is out of range',
    ],
    [{ ...worksReport, verdict: { works: 'no', sentence: '', hop: -1 } }, '$.verdict.hop: -1 is out of range'],
  ];
  for (const [value, error] of cases) t.strictSame(errorsOf(value), [error]);
});

/** Name of an interface → its fields with their own interfaces; a name with ? may be missing. */
function fieldsOfTypes(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const extend = new Map<string, string>();
  const named = (members: ts.NodeArray<ts.TypeElement>) =>
    members
      .filter(ts.isPropertySignature)
      .map(({ name, questionToken }) => `${name.getText()}${questionToken ? '?' : ''}`);
  for (const name of ['hops.ts', 'path-report.ts']) {
    const path = join(__dirname, '../../controlplane/base', name);
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    source.forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node)) return;
      const { text: name } = node.name;
      found.set(name, named(node.members));
      const parent = node.heritageClauses?.[0]?.types[0]?.getText();
      if (parent !== undefined) extend.set(name, parent);
      for (const member of node.members) {
        if (!ts.isPropertySignature(member) || !member.type || !ts.isTypeLiteralNode(member.type)) continue;
        found.set(`${name}.${member.name.getText()}`, named(member.type.members));
      }
    });
  }
  for (const [name, parent] of extend) found.set(name, [...found.get(parent)!, ...found.get(name)!]);
  return found;
}

t.test('the fields of the schema are those of the types', async (t) => {
  const types = fieldsOfTypes();
  const fieldsOf = ({ properties = {}, required = [] }: JsonSchema) =>
    Object.keys(properties).map((name) => `${name}${required.includes(name) ? '' : '?'}`);
  const pairs: readonly (readonly [string, JsonSchema | undefined])[] = [
    ['PathReport', schema],
    ['Hop.link', schema.$defs?.['Link']],
    ...['LocatedHop', 'HopRule', 'HopFault', 'HopPacket', 'Verdict', 'WhatIfReport', 'ObjectChange', 'HopChange'].map(
      (name) => [name, schema.$defs?.[name]] as const,
    ),
  ];
  for (const [name, definition] of pairs) {
    t.strictSame(fieldsOf(definition!).toSorted(), types.get(name)?.toSorted(), name);
  }
});

t.test('the words of the schema are those of the types', async (t) => {
  const yes = true as const;
  const kinds: Record<LocatedHop['kind'], true> = {
    name: yes,
    choice: yes,
    proxy: yes,
    interface: yes,
    hook: yes,
    routing: yes,
    neighbour: yes,
    tunnel: yes,
    socket: yes,
    machine: yes,
    probe: yes,
  };
  const states: Record<LocatedHop['state'], true> = { passes: yes, stops: yes, doubtful: yes, unknown: yes };
  const legs: Record<LocatedHop['leg'], true> = { name: yes, request: yes, upstream: yes, answer: yes };
  const protocols: Record<HopPacket['protocol'], true> = { tcp: yes, udp: yes, sctp: yes, icmp: yes };
  const works: Record<Verdict['works'], true> = { yes, no: yes, unsure: yes };
  const changes: Record<ObjectChange['change'], true> = {
    created: yes,
    changed: yes,
    unchanged: yes,
    deleted: yes,
    derived: yes,
    ignored: yes,
  };
  for (const [at, field, values] of [
    ['LocatedHop', 'kind', kinds],
    ['LocatedHop', 'state', states],
    ['LocatedHop', 'leg', legs],
    ['HopPacket', 'protocol', protocols],
    ['Verdict', 'works', works],
    ['ObjectChange', 'change', changes],
  ] as const) {
    t.strictSame(schema.$defs?.[at]?.properties?.[field]?.enum, Object.keys(values), `${at}.${field}`);
  }
});

t.test('the fixture with all fields has all', async (t) => {
  const seen = new Set<string>();
  const visit = (value: unknown) => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    else if (typeof value === 'object' && value !== null)
      for (const [name, field] of Object.entries(value)) {
        seen.add(name);
        visit(field);
      }
  };
  visit(completeReport satisfies PathReport);
  const all = [schema, ...Object.values(schema.$defs ?? {})].flatMap(({ properties = {} }) => Object.keys(properties));
  t.strictSame(
    all.filter((name) => !seen.has(name)),
    [],
  );
});

t.test('each field is described', async (t) => {
  const clear = new Set(['apiVersion', 'kind', 'name', 'protocol', 'sentence']);
  for (const [name, { properties = {} }] of Object.entries({ PathReport: schema, ...schema.$defs })) {
    for (const [field, definition] of Object.entries(properties)) {
      if (!clear.has(field)) t.ok('description' in definition || definition.$ref !== undefined, `${name}.${field}`);
    }
  }
});
