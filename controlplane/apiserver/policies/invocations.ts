// The evaluations that a write needs: each policy whose rules, selectors and names match, with each matching binding and each object with
// parameters.
import type { AdmissionPolicy, PolicyBinding } from '../../api/admission-policies/types';
import type { Kind } from '../../api/kind';
import { type AdmittedForm, admittedForm, namespaceOf } from '../webhooks/admitted';
import type { RuleDeps, Write } from '../write/rule';
import { matchWrite } from './match-resources';
import { ConfigurationError, collectParams, type Params, paramKindOf } from './params';
import type { PolicyCandidate } from './policy-index';

/** One evaluation, or why the policy or the binding cannot be evaluated. */
export interface Invocation<P, B> {
  readonly policy: P;
  /** Undefined when the policy itself is wrong. */
  readonly binding: B | undefined;
  readonly seen: Kind;
  readonly params: Params | ConfigurationError;
}

export function invocationsOf<P extends AdmissionPolicy, B extends PolicyBinding>(
  { cache, catalog }: Pick<RuleDeps, 'cache' | 'catalog'>,
  write: Write,
  candidates: readonly PolicyCandidate<P, B>[],
): readonly Invocation<P, B>[] {
  const forms = new Map<Kind, AdmittedForm>();
  const formOf = (kind: Kind) => {
    const form = forms.get(kind) ?? admittedForm(write, kind);
    forms.set(kind, form);
    return form;
  };
  return candidates.flatMap(({ policy, match, bindings }) => {
    const seen = matchWrite(match, write, formOf(write.kind), cache);
    if (!seen) return [];
    const { paramKind } = policy.spec ?? {};
    const kind = paramKind && attempt(() => paramKindOf(catalog, paramKind));
    if (kind instanceof ConfigurationError) return [{ policy, binding: undefined, seen, params: kind }];
    return bindings.flatMap(({ binding, match: ofBinding }): Invocation<P, B>[] => {
      if (!matchWrite(ofBinding, write, formOf(write.kind), cache)) return [];
      const ref = binding.spec?.paramRef;
      const params = attempt(() => collectParams(cache, kind, ref, namespaceOf(write)));
      if (params instanceof ConfigurationError) return [{ policy, binding, seen, params }];
      return params.map((one) => ({ policy, binding, seen, params: one }));
    });
  });
}

function attempt<T>(run: () => T): T | ConfigurationError {
  try {
    return run();
  } catch (err) {
    if (err instanceof ConfigurationError) return err;
    throw err;
  }
}
