// The evaluations that a write needs: each policy whose rules, selectors and names match, with each matching binding and each object with
// parameters.
import type { AdmissionPolicy, PolicyBinding } from '../../api/admission-policies/types';
import { ConversionFailed } from '../../api/crd/conversion-failed';
import type { Kind } from '../../api/kind';
import type { Steps } from '../../base/steps';
import { namespaceOf, ownForm } from '../webhooks/admitted';
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

/** Waits only for parameters that a webhook must convert. */
export function* invocationsOf<P extends AdmissionPolicy, B extends PolicyBinding>(
  { cache, catalog }: Pick<RuleDeps, 'cache' | 'catalog'>,
  write: Write,
  candidates: readonly PolicyCandidate<P, B>[],
): Steps<readonly Invocation<P, B>[]> {
  const form = ownForm(write);
  const found: Invocation<P, B>[] = [];
  for (const { policy, match, bindings } of candidates) {
    const seen = matchWrite(match, write, form, cache);
    if (!seen) continue;
    const { paramKind } = policy.spec ?? {};
    const kind = paramKind && attempt(() => paramKindOf(catalog, paramKind));
    if (kind instanceof ConfigurationError) {
      found.push({ policy, binding: undefined, seen, params: kind });
      continue;
    }
    for (const { binding, match: ofBinding } of bindings) {
      if (!matchWrite(ofBinding, write, form, cache)) continue;
      const params = yield* paramsFor(cache, kind, binding.spec?.paramRef, namespaceOf(write));
      for (const one of params) found.push({ policy, binding, seen, params: one });
    }
  }
  return found;
}

/** A failed conversion of a parameter is a wrong configuration. */
function* paramsFor(...args: Parameters<typeof collectParams>): Steps<readonly (Params | ConfigurationError)[]> {
  try {
    return yield* collectParams(...args);
  } catch (err) {
    if (err instanceof ConfigurationError) return [err];
    if (err instanceof ConversionFailed) return [new ConfigurationError(err.message)];
    throw err;
  }
}

function attempt<T>(run: () => T): T | ConfigurationError {
  try {
    return run();
  } catch (err) {
    if (err instanceof ConfigurationError) return err;
    throw err;
  }
}
