// Which object stays after a deletion, by the rules of its kind; and no verb compares names of kinds.
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import type { DeletionRules } from '../../api/deletion';
import { configMaps, namespaces, pods } from '../../api/index';
import type { Kind } from '../../api/kind';
import { registry } from '../../api/registry';
import type { KubeObject } from '../../api/types';
import { planDeletion } from './delete';

const now = Date.parse('2026-01-01T00:00:00Z');
const generic: Kind = configMaps;

/** A kind of another group that is also called pods. */
const kindWith = (deletion?: DeletionRules<KubeObject>): Kind => ({
  ...generic,
  group: 'example.com',
  plural: 'pods',
  options: { ...generic.options, ...(deletion ? { deletion } : {}) },
});

function plan(kind: Kind, object: object, options: object = {}) {
  const whole = { kind: kind.kind, ...object, metadata: { name: 'a', ...(object as KubeObject).metadata } };
  return planDeletion(
    kind,
    { key: 'a', object: whole, json: Buffer.of(), revision: 1 },
    { dryRun: false, ...options },
    now,
  );
}

t.test('an object of a kind without rules is removed at once, whatever the name of the kind', async (t) => {
  t.equal(plan(kindWith(), { spec: { nodeName: 'n', finalizers: ['x'] } }), undefined);
});

t.test('the kind determines the grace period', async (t) => {
  const kind = kindWith({ graceSeconds: (_, requested) => requested ?? 12 });
  t.match(plan(kind, {}), {
    metadata: { deletionTimestamp: '2026-01-01T00:00:12Z', deletionGracePeriodSeconds: 12 },
  });
  t.equal(plan(kind, {}, { gracePeriodSeconds: 0 }), undefined);
});

t.test('an object that its kind holds stays and is marked as deleted', async (t) => {
  const kind = kindWith({ isHeld: () => true, markDeleted: (object) => ({ ...object, status: { phase: 'Ending' } }) });
  const left = plan(kind, {});
  t.match(left, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, status: { phase: 'Ending' } });
  t.equal(plan(kind, left!)?.metadata?.deletionTimestamp, '2026-01-01T00:00:00Z', 'a second deletion changes nothing');
});

t.test('deletion of pods and namespaces', async (t) => {
  const bound = { spec: { nodeName: 'n', terminationGracePeriodSeconds: 7, containers: [] } };
  const cases: readonly (readonly [name: string, pod: object, options: object, seconds: number | undefined])[] = [
    ['bound', bound, {}, 7],
    ['no grace period in the pod', { spec: { nodeName: 'n' } }, {}, 30],
    ['another period is requested', bound, { gracePeriodSeconds: 3 }, 3],
    ['a negative period means one second', bound, { gracePeriodSeconds: -1 }, 1],
    ['not bound', { spec: {} }, {}, undefined],
    ['at its end', { ...bound, status: { phase: 'Failed' } }, {}, undefined],
  ];
  for (const [name, pod, options, seconds] of cases) {
    t.equal(plan(pods, pod, options)?.metadata?.deletionGracePeriodSeconds, seconds, name);
  }
  const namespace: Kind = namespaces;
  t.match(plan(namespace, { spec: { finalizers: ['kubernetes'] } }), { status: { phase: 'Terminating' } });
  t.equal(plan(namespace, { spec: { finalizers: [] } }), undefined);
});

t.test('the verbs compare no names of kinds: the declaration of a kind has its rules', async (t) => {
  const names = registry.flatMap(({ kind, plural }) => [kind, plural]);
  const literal = new RegExp(`['"\`](${[...names, 'binding', 'scale', 'eviction'].join('|')})['"\`]`, 'g');
  const files = readdirSync(__dirname).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  t.ok(files.includes('delete.ts'));
  const found = files.flatMap((file) => {
    const text = readFileSync(`${__dirname}/${file}`, 'utf8');
    const lines = text.split('\n').filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line));
    return [...lines.join('\n').matchAll(literal)].map(([name]) => `${file}: ${name}`);
  });
  t.strictSame(found, []);
  t.match("kind.plural === 'pods'", literal, 'the check finds a comparison');
});
