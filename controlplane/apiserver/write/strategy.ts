// The strategy: the write rules of the object's own kind (api/kind.ts), and the metadata rules of all kinds. The first rule of
// the list, so that in each phase the other rules see its result.
import { isCustom } from '../../api/kind';
import { validateObjectMeta, warnOfFinalizers } from '../../api/validation/metadata';
import type { RuleFindings } from '../crd/rules/evaluate';
import { judgeByRules, ruleNodeOf } from '../crd/rules/object-rules';
import { invalid } from '../status';
import { checkFinalizers } from './finalizers';
import type { OpenRule, Write } from './rule';

export const strategy: OpenRule = () => ({
  name: 'Strategy',
  concerns: ({ context }) => context !== undefined,
  prepare({ operation, kind: { options }, object, context }) {
    if (!object || !context) return;
    options.prepare?.(object, context);
    // prepare() may have removed fields of a new object: set their defaults again. An update has their stored values.
    if (operation === 'create') options.defaults?.(object);
  },
  validate(write) {
    const { kind, object, old, context } = write;
    if (!object || !context) return;
    const causes = [
      ...(old ? checkFinalizers(object, old) : []),
      ...validateObjectMeta(kind, object, context),
      ...(kind.options.validate?.(object, context) ?? []),
    ];
    const node = ruleNodeOf(kind);
    if (!node) {
      // The warnings of a kind may rely on a valid object.
      return conclude(write, {
        causes,
        warnings: causes.length > 0 ? [] : (kind.options.warnings?.(object, context) ?? []),
      });
    }
    return judgeByRules(node, object, context.old, causes).then((found) => conclude(write, found));
  },
});

/** As upstream: the writer of an invalid object gets no warnings about it. */
function conclude({ kind, object, old, warnings }: Write, found: RuleFindings): void {
  // Upstream names the group of the stored kind: Events of events.k8s.io are invalid Events of the core group.
  const named = kind.options.storage?.kind ?? kind;
  if (found.causes.length > 0) throw invalid(named, object?.metadata?.name ?? '', found.causes);
  warnings.push(...found.warnings);
  if (isCustom(kind)) warnings.push(...warnOfFinalizers(object?.metadata, old?.metadata));
}
