// The rules in CEL of custom objects. They run after the schema has accepted the object, also for a write of its status.
import type { Kind } from '../../../api/kind';
import type { Definition } from '../../../api/schema/schema';
import { invalid } from '../../status';
import type { OpenRule } from '../../write/rule';
import { evaluateRules } from './evaluate';
import { type RuleNode, rulesOf } from './rule-node';

const definitionOf = ({ options: { schema } }: Kind): Definition | undefined =>
  'definition' in schema ? schema.definition : undefined;

function nodeOf(kind: Kind): RuleNode | undefined {
  const definition = definitionOf(kind);
  return definition && rulesOf(definition);
}

export const customObjectRules: OpenRule = () => ({
  name: 'ValidationRules',
  // `context`: the object is of the kind, not a scale.
  concerns: ({ kind, context }) => context !== undefined && nodeOf(kind) !== undefined,
  async validate({ kind, object, context, warnings }) {
    const node = nodeOf(kind);
    if (!node || !object) return;
    const found = await evaluateRules(node, object, context?.old);
    warnings.push(...found.warnings);
    if (found.causes.length > 0) throw invalid(kind, object.metadata?.name ?? '', found.causes);
  },
});
