// Writes an object as the API server does, by the declaration of its kind alone: for tests of defaults, rules and columns.
import type { Kind } from '../../controlplane/api/kind';
import { loadSchemas } from '../../controlplane/api/schema/load';
import { validateStructure } from '../../controlplane/api/schema/structure';
import type { KubeObject } from '../../controlplane/api/types';

const schemas = loadSchemas();

/** Decodes, fills in defaults, prepares and validates. `causes` are texts: `field: message`. */
export function write<T extends KubeObject>(
  kind: Kind<T>,
  body: object,
  old?: T,
  subresource = '',
): { object: T; causes: string[] } {
  const object = structuredClone(body) as T;
  validateStructure(schemas.of(kind), kind, object, 'Strict');
  const context = { subresource, ...(old ? { old } : {}) };
  kind.options.defaults?.(object);
  kind.options.prepare?.(object, context);
  const causes = kind.options.validate?.(object, context) ?? [];
  return { object, causes: causes.map(({ field, message }) => `${field}: ${message}`) };
}

/** The cells of `kubectl get`, or of `kubectl get -o wide`, a minute after the start of 2026. */
export const row = <T extends KubeObject>(kind: Kind<T>, object: T, wide = false): unknown[] =>
  (kind.options.columns ?? [])
    .filter(({ priority = 0 }) => wide || priority === 0)
    .map(({ cell }) => cell(object, Date.parse('2026-01-01T00:01:00Z')));
