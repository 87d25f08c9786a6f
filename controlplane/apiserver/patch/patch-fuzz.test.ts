// Patches of the four kinds against objects: each returns an object or a clean refusal, and does not change its arguments.
import t from 'tap';
import { fc, fuzz, jsonValues, objectOf, trickyKeys } from '../../../test/lib/fuzz';
import { configMaps } from '../../api/config-map';
import { pods } from '../../api/pod';
import { loadSchemas } from '../../api/schema/load';
import type { KubeObject } from '../../api/types';
import { AppError } from '../../base/errors';
import { apply } from './apply';
import { depthOf, type Json } from './json';
import { applyPatch, patchTypes } from './patch';
import { trackUpdate } from './track-update';

const schemas = loadSchemas();
const podSchema = schemas.of(pods);

/**
 * Undefined for a patch that is refused with an error of this server. patch.test.ts checks the codes: upstream answers some
 * malformed directives with 500.
 */
function patched<T>(change: () => T): T | undefined {
  try {
    return change();
  } catch (err) {
    if (err instanceof AppError) return undefined;
    throw err;
  }
}

function keeps<T>(original: T, change: () => void): void {
  const before = JSON.stringify(original);
  change();
  if (JSON.stringify(original) !== before) throw new Error('the original was changed');
}

const objects = fc.array(fc.tuple(trickyKeys, jsonValues), { maxLength: 4 }).map(objectOf);
const pointers = fc
  .array(fc.oneof(fc.constantFrom('a', 'b', '0', '1', '-1', '-', '~0', '~1', '__proto__', ''), trickyKeys), {
    maxLength: 4,
  })
  .map((parts) => parts.map((part) => `/${part}`).join(''));
const operations = fc.array(
  fc.record(
    {
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'other'),
      path: pointers,
      from: pointers,
      value: jsonValues,
    },
    { requiredKeys: ['op', 'path'] },
  ),
  { maxLength: 12 },
);
const small = fc.constantFrom<object>({}, { a: {}, b: [] }, { a: [1, { b: 2 }], b: { a: [] } });

t.test('JSON patch', async (t) => {
  await fuzz(
    t,
    'operations',
    fc.tuple(fc.oneof(small, objects), operations),
    ([original, patch]) =>
      keeps(original, () => {
        const result = patched(() => applyPatch(patchTypes.json, original, patch, podSchema));
        if (result) depthOf(result as Json);
      }),
    { runs: 1_000 },
  );
  await fuzz(
    t,
    'any value',
    jsonValues,
    (patch) => void patched(() => applyPatch(patchTypes.json, {}, patch, podSchema)),
  );
});

t.test('merge patch', async (t) => {
  await fuzz(t, 'objects', fc.tuple(objects, jsonValues), ([original, patch]) =>
    keeps(original, () => {
      const merged = patched(() => applyPatch(patchTypes.merge, original, patch, podSchema));
      if (!merged) return;
      const again = applyPatch(patchTypes.merge, merged, patch, podSchema);
      if (JSON.stringify(again) !== JSON.stringify(merged)) throw new Error('a second merge changes something');
    }),
  );
});

const names = fc.constantFrom('a', 'b', 'c');
const directives = fc.constantFrom('delete', 'replace', 'merge', 'other');
const container = fc.record({ name: names, image: fc.string(), $patch: directives }, { requiredKeys: [] });
const podPatch = fc.record(
  {
    metadata: fc.record(
      {
        finalizers: fc.array(names),
        '$deleteFromPrimitiveList/finalizers': fc.array(names),
        '$setElementOrder/finalizers': fc.array(names),
        labels: objects,
      },
      { requiredKeys: [] },
    ),
    spec: fc.record(
      {
        containers: fc.array(fc.oneof(container, jsonValues), { maxLength: 4 }),
        '$setElementOrder/containers': fc.array(fc.record({ name: names }), { maxLength: 4 }),
        $retainKeys: fc.array(fc.constantFrom('containers', 'volumes')),
        $patch: directives,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const pod = fc.record({
  metadata: fc.record({ finalizers: fc.uniqueArray(names) }),
  spec: fc.record({ containers: fc.uniqueArray(names).map((all) => all.map((name) => ({ name, image: 'i' }))) }),
});

t.test('strategic merge patch', async (t) => {
  await fuzz(
    t,
    'pods',
    fc.tuple(pod, podPatch),
    ([original, patch]) =>
      keeps(original, () => {
        const result = patched(() =>
          applyPatch<object>(patchTypes.strategic, original, patch, podSchema),
        ) as typeof original;
        const given = result?.spec?.containers;
        if (!Array.isArray(given) || patch.spec?.containers?.some((item) => typeof item !== 'object')) return;
        JSON.stringify(given);
      }),
    { runs: 1_000 },
  );
  await fuzz(t, 'any value', fc.tuple(objects, jsonValues), ([original, patch]) =>
    keeps(original, () => void patched(() => applyPatch(patchTypes.strategic, original, patch, podSchema))),
  );
});

const withOwners = (object: KubeObject, managedFields: ReturnType<typeof trackUpdate>): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...(managedFields ? { managedFields } : {}) },
});

const managers = fc.constantFrom('m', 'n', 'o');
const data = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'f:a', '.'), fc.string({ maxLength: 3 })), { maxLength: 3 })
  .map(objectOf);

t.test('apply', async (t) => {
  const steps = fc.array(fc.tuple(managers, data, fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 6 });
  await fuzz(t, 'steps of several managers', steps, (all) => {
    let live: KubeObject | undefined;
    for (const [manager, values, force, byUpdate] of all) {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: values } as KubeObject;
      const write = { kind: configMaps, schema: schemas.of(configMaps), manager, subresource: '', now: 0 };
      const before = live;
      const next =
        byUpdate && before
          ? patched(() => withOwners(body, trackUpdate({ before, after: body, onCreate: true, ...write })))
          : patched(() => apply({ live, applied: body, force, ...write }));
      if (
        next &&
        !byUpdate &&
        JSON.stringify(Object.keys((next as { data?: object }).data ?? {})).includes('prototype')
      ) {
        throw new Error('a key that was not sent');
      }
      live = next ?? live;
    }
  });
  const fields = fc.tuple(jsonValues, data);
  await fuzz(t, 'any fieldsV1', fields, ([fieldsV1, values]) => {
    const managedFields = [{ manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsV1 }];
    const live = { metadata: { name: 'a', managedFields }, data: {} } as unknown as KubeObject;
    const applied = { metadata: { name: 'a' }, data: values } as unknown as KubeObject;
    patched(() =>
      apply({
        kind: configMaps,
        schema: schemas.of(configMaps),
        live,
        applied,
        manager: 'n',
        subresource: '',
        now: 0,
        force: true,
      }),
    );
  });
});
