// Before validation no code may rely on any field of any kind: every step of a write, and the columns of stored objects, must
// accept objects in which one field is absent, null, empty or of another type.
import t from 'tap';
import { around, fullObject, type Path, pathsOf, replacements, spoiled } from '../../test/lib/schema-sample';
import { BadRequest } from '../base/errors';
import type { Kind } from './kind';
import { registry } from './registry';
import { loadSchemas } from './schema/load';
import { validateStructure } from './schema/structure';
import type { KubeObject } from './types';

const schemas = loadSchemas();

/** In templates, fields inside the pod are skipped: the same code handles them in pods, which are tested. */
const isInsideTemplate = (path: Path): boolean => {
  const template = path.indexOf('template');
  return template >= 0 && path.length > template + 4;
};

/** Runs all steps of the server on an object before and after it is stored. */
function handle(kind: Kind, object: KubeObject, old?: KubeObject): void {
  try {
    validateStructure(schemas.of(kind), kind, object, 'Warn');
  } catch (error) {
    if (error instanceof BadRequest) return;
    throw error;
  }
  const context = { subresource: '', ...(old ? { old } : {}) };
  kind.options.defaults?.(object);
  kind.options.prepare?.(object, context);
  kind.options.defaults?.(object);
  kind.options.validate?.(object, context);
  kind.options.warnings?.(object, context);
  for (const { cell } of kind.options.columns ?? []) cell(object, 0);
  for (const field of Object.values(kind.options.fields ?? {})) field(object);
}

for (const kind of registry) {
  t.test(kind.kind, async (t) => {
    const full = { ...fullObject(schemas.of(kind)), metadata: { name: 'x', namespace: 'x' } } as KubeObject;
    const stored = structuredClone(full);
    handle(kind, stored);
    let count = 0;
    const failures: string[] = [];
    for (const path of pathsOf(full).filter((one) => !isInsideTemplate(one))) {
      // The other large branches are left out: a full pod takes a millisecond, and 18,000 objects are tried.
      const lean = around(full, path);
      const old = around(stored, path);
      for (const value of replacements) {
        for (const before of value === undefined ? [undefined, old] : [undefined]) {
          count++;
          try {
            handle(kind, spoiled(lean, path, value), before);
          } catch (error) {
            failures.push(`${path.join('.')} = ${JSON.stringify(value)}: ${String(error)}`);
          }
        }
      }
    }
    t.same(failures.slice(0, 20), [], `${count} objects`);
    t.ok(count > 20, 'at least 20 objects are tried');
  });
}
