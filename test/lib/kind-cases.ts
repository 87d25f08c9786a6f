// Tables of cases for one kind: what a body becomes, and which causes refuse it. The same steps as in the API server, without the server.

import type { Kind } from '../../controlplane/api/kind';
import { loadSchemas } from '../../controlplane/api/schema/load';
import { validateStructure } from '../../controlplane/api/schema/structure';
import type { KubeObject } from '../../controlplane/api/types';
import type { FieldCause } from '../../controlplane/base/errors';

export interface Case {
  readonly name: string;
  readonly body: object;
  /** The object before an update, as a user wrote it; absent on create. */
  readonly old?: object;
  /** Sets the status that the server, not the writer, has stored. */
  readonly status?: object;
  readonly subresource?: string;
  /** `field: message`, in the order of the API server. */
  readonly causes: readonly (string | RegExp)[];
}
interface Asserts {
  equal(a: unknown, b: unknown, name: string): unknown;
  match(a: unknown, b: unknown, name: string): unknown;
  same(a: unknown, b: unknown, name: string): unknown;
}

const schemas = loadSchemas();

/** Decoded, with defaults and the changes of `prepare`. */
export function ready<T extends KubeObject>(kind: Kind<T>, body: object, old?: T, subresource = ''): T {
  const object = structuredClone(body) as T;
  validateStructure(schemas.of(kind), kind, object, 'Strict');
  kind.options.defaults?.(object);
  kind.options.prepare?.(object, { subresource, ...(old ? { old } : {}) });
  kind.options.defaults?.(object);
  return object;
}

export function check<T extends KubeObject>(t: Asserts, kind: Kind<T>, cases: readonly Case[]): void {
  for (const { name, body, old, status, subresource = '', causes } of cases) {
    const stored = old && { ...ready(kind, old), ...(status ? { status } : {}) };
    const object = ready(kind, body, stored, subresource);
    if (status && subresource === '') Object.assign(object, { status });
    const found = kind.options.validate?.(object, { subresource, ...(stored ? { old: stored } : {}) }) ?? [];
    const texts = found.map(({ field, message }: FieldCause) => `${field}: ${message}`);
    if (texts.length !== causes.length) t.same(texts, causes, `${name}: the causes`);
    texts.forEach((text, i) => {
      const expected = causes[i];
      if (typeof expected === 'string') t.equal(text, expected, `${name}: ${i}`);
      else if (expected) t.match(text, expected, `${name}: ${i}`);
    });
    t.equal(texts.length, causes.length, name);
  }
}

/** The cells of `kubectl get`, a minute after 2026-01-01. */
export const row = <T extends KubeObject>(kind: Kind<T>, object: T, wide = false): unknown[] =>
  (kind.options.columns ?? [])
    .filter(({ priority = 0 }) => wide || priority === 0)
    .map(({ cell }) => cell(object, Date.parse('2026-01-01T00:01:00Z')));
