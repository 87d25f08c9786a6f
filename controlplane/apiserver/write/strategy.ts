// The strategy: the write rules of the object's own kind (api/kind.ts), and the metadata rules of all kinds. The first rule of
// the list, so that in each phase the other rules see its result.
import { validateObjectMeta } from '../../api/validation/metadata';
import { invalid } from '../status';
import { checkFinalizers } from './finalizers';
import type { OpenRule } from './rule';

export const strategy: OpenRule = () => ({
  name: 'Strategy',
  concerns: ({ context }) => context !== undefined,
  prepare({ operation, kind: { options }, object, context }) {
    if (!object || !context) return;
    options.prepare?.(object, context);
    // prepare() may have removed fields of a new object: set their defaults again. An update has their stored values.
    if (operation === 'create') options.defaults?.(object);
  },
  validate({ kind, object, old, context, warnings }) {
    if (!object || !context) return;
    const causes = [
      ...(old ? checkFinalizers(object, old) : []),
      ...validateObjectMeta(kind, object, context),
      ...(kind.options.validate?.(object, context) ?? []),
    ];
    if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? '', causes);
    if (kind.options.warnings) warnings.push(...kind.options.warnings(object, context));
  },
});
