// MatchConditions: refuses a webhook configuration with an expression that does not compile. The kind cannot check it itself, because
// controlplane/cel imports controlplane/api.
import { mutatingWebhookConfigurations } from '../../api/mutating-webhook-configuration';
import type { KubeObject } from '../../api/types';
import { validatingWebhookConfigurations } from '../../api/validating-webhook-configuration';
import { invalid } from '../../api/validation/causes';
import type { FieldCause } from '../../base/errors';
import { CelCompileError } from '../../cel/errors';
import { invalid as invalidObject } from '../status';
import type { OpenRule } from '../write/rule';
import { compileCondition } from './match-conditions';
import type { Configuration } from './webhook-index';

const prefixes: ReadonlySet<string> = new Set([
  mutatingWebhookConfigurations.prefix,
  validatingWebhookConfigurations.prefix,
]);

export const matchConditions: OpenRule = () => ({
  name: 'MatchConditions',
  concerns: ({ operation, kind }) => prefixes.has(kind.prefix) && (operation === 'create' || operation === 'update'),
  validate({ kind, object, old }) {
    // What is stored was accepted once: another change of the configuration must not fail because of it.
    const stored = new Set(expressionsOf(old).map(({ expression }) => expression));
    const causes = expressionsOf(object)
      .filter(({ expression }) => !stored.has(expression))
      .flatMap(({ field, expression }) => check(field, expression));
    if (causes.length > 0) throw invalidObject(kind, object?.metadata?.name ?? '', causes);
  },
});

function expressionsOf(object: KubeObject | undefined): readonly { field: string; expression: string }[] {
  return ((object as Configuration | undefined)?.webhooks ?? []).flatMap(({ matchConditions: conditions = [] }, i) =>
    conditions.map(({ expression }, j) => ({
      field: `webhooks[${i}].matchConditions[${j}].expression`,
      expression,
    })),
  );
}

function check(field: string, expression: string): FieldCause[] {
  try {
    compileCondition(expression);
    return [];
  } catch (err) {
    if (!(err instanceof CelCompileError)) throw err;
    return [invalid(field, expression, err.message)];
  }
}
