// Refuses a CustomResourceDefinition with a rule in CEL that does not compile, or with a default that breaks a rule. The kind cannot
// check it itself, because controlplane/cel imports controlplane/api.
import { isDeepStrictEqual } from 'node:util';
import { type RulePlace, validateOpenApi } from '../../../api/crd/openapi-rules';
import type { CustomResourceDefinition } from '../../../api/crd/types';
import { schemasOf } from '../../../api/crd/validate-version';
import { isSchema } from '../../../api/crd/walk';
import { customResourceDefinitions } from '../../../api/custom-resource-definition';
import type { Definition } from '../../../api/schema/schema';
import { invalid as invalidField, maxCauses } from '../../../api/validation/causes';
import type { FieldCause } from '../../../base/errors';
import { eventLoop } from '../../../base/event-loop';
import { most } from '../../../cel/cost/range';
import { CelCompileError } from '../../../cel/errors';
import { invalid } from '../../status';
import type { OpenRule } from '../../write/rule';
import { type CompiledRule, SchemaRules } from './compile';
import { EstimatedCosts } from './costs';
import { evaluateRules } from './evaluate';
import { childOf } from './rule-node';

export const definitionRules: OpenRule = () => ({
  name: 'CompileValidationRules',
  concerns: ({ kind, context }) => kind === customResourceDefinitions && context?.subresource === '',
  async validate({ kind, object, old }) {
    const versions = (object as CustomResourceDefinition).spec.versions;
    // What is stored was accepted once: another change of the definition must not fail because of it.
    const stored = (old as CustomResourceDefinition | undefined)?.spec.versions ?? [];
    const isNew = (schema: Definition) =>
      !stored.some((version) => isDeepStrictEqual(version.schema?.openAPIV3Schema, schema));
    const causes: FieldCause[] = [];
    for (const { value, field } of schemasOf(versions)) {
      if (isNew(value)) await checkSchema(value, field, causes);
    }
    if (causes.length > 0) throw invalid(kind, object?.metadata?.name ?? '', causes);
  },
});

async function checkSchema(schema: Definition, field: string, causes: FieldCause[]): Promise<void> {
  const costs = new EstimatedCosts();
  for (const place of validateOpenApi(schema, field).rules) {
    const isRoot = place.schema === schema || place.schema['x-kubernetes-embedded-resource'] === true;
    const rules = new SchemaRules(place.schema, isRoot);
    for (let i = 0; i < rules.count; i++) {
      const pause = eventLoop.pause();
      if (pause) await pause;
      const at = `${place.field}.x-kubernetes-validations[${i}]`;
      const compiled = rules.at(i);
      causes.push(...costCauses(compiled, rules, costs, { place, at }), ...ruleCauses(compiled, place, at));
    }
    if (causes.length >= maxCauses) return;
  }
  causes.push(...costs.causes(field));
  if (causes.length === 0) await checkDefaults(schema, field, causes);
}

/** What could cost too much: a rule for all values that one object can have, a message once. */
function costCauses(
  { program, message }: CompiledRule,
  rules: SchemaRules,
  costs: EstimatedCosts,
  { place, at }: { readonly place: RulePlace; readonly at: string },
): FieldCause[] {
  const { sizes } = rules;
  if (!sizes || program instanceof CelCompileError) return [];
  const occurrences = rules.occurrences(place.around.occurrences);
  const cost = Math.min(most, program.estimate(sizes) * occurrences);
  const causes = costs.observe(`${at}.rule`, cost, 'estimated rule cost');
  if (message === undefined || message instanceof CelCompileError) return causes;
  const ofMessage = message.estimate(sizes);
  return [...causes, ...costs.observe(`${at}.messageExpression`, ofMessage, 'estimated messageExpression cost')];
}

function ruleCauses({ rule, program, message, readsOld }: CompiledRule, place: RulePlace, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const { uncorrelatable } = place.around;
  if (program instanceof CelCompileError) {
    const detail = program.message.replace(/^must evaluate to .*/s, 'cel expression must evaluate to a bool');
    causes.push(invalidField(`${field}.rule`, rule, detail));
  }
  if (message instanceof CelCompileError) {
    const detail = message.message
      .replace(/^compilation failed/, 'messageExpression compilation failed')
      .replace(/^must evaluate to .*/s, 'messageExpression must evaluate to a string');
    causes.push(invalidField(`${field}.messageExpression`, rule, detail));
  }
  if (readsOld && uncorrelatable !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    causes.push(invalidField(`${field}.rule`, rule.rule, detail));
  } else if (!readsOld && rule.optionalOldSelf !== undefined) {
    const detail = 'may not be set if oldSelf is not used in rule';
    causes.push(invalidField(`${field}.optionalOldSelf`, rule.optionalOldSelf, detail));
  }
  return causes;
}

async function checkDefaults(schema: Definition, field: string, causes: FieldCause[]): Promise<void> {
  const { default: value, items, properties = {} } = schema;
  const node = value === undefined ? undefined : childOf(schema);
  if (node) causes.push(...(await evaluateRules(node, value, undefined, `${field}.default`)).causes);
  if (isSchema(items)) await checkDefaults(items, `${field}.items`, causes);
  for (const [key, property] of Object.entries(properties)) {
    await checkDefaults(property, `${field}.properties[${key}]`, causes);
  }
}
