// The strategy: what the object's kind itself says about a write (api/kind.ts), and the metadata rules of all kinds. The first
// rule of the list, so that in each phase the other rules see what the kind has made of the object.
import { validateObjectMeta } from '../../api/validation/metadata';
import { checkFinalizers } from '../rest/metadata';
import { invalid } from '../status';
import type { OpenRule } from './rule';

export const strategy: OpenRule = () => ({
  name: 'Strategy',
  concerns: ({ context }) => context !== undefined,
  prepare({ operation, kind: { options }, object, context }) {
    if (!object || !context) return;
    options.prepare?.(object, context);
    // What prepare() took from a new object has a default again; an update has the stored value of it.
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
