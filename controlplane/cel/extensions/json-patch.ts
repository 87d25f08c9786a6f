// jsonpatch.escapeKey: a key as a part of a JSON pointer (RFC 6901).
import type { Environment } from '@marcbachmann/cel-js';

class JsonPatchFunctions {}

export function registerJsonPatch(environment: Environment): void {
  environment
    .registerType('k8ts.JsonPatchFunctions', { ctor: JsonPatchFunctions, fields: {} })
    .registerConstant('jsonpatch', 'k8ts.JsonPatchFunctions', new JsonPatchFunctions())
    .registerFunction('k8ts.JsonPatchFunctions.escapeKey(string): string', (_functions: unknown, key: string) =>
      key.replaceAll('~', '~0').replaceAll('/', '~1'),
    );
}
