// Runs the passes of registrations.ts: one when the server starts, then one after each change of the served kinds.
import { type APIService, apiServices } from '../../api/api-service';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import { followKind } from '../follow';
import { managedLabel, type RegistrationDeps, registerServed } from './registrations';

/** The pause after a pass that failed. */
const retryMs = 10_000;

export interface KeepDeps extends RegistrationDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Resolves after the first pass. The later ones run until the signal is aborted. */
export async function keepRegistrations(deps: KeepDeps): Promise<void> {
  const { catalog, cache, clock, log, signal } = deps;
  await registerServed(deps, true);
  let running = false;
  let again = false;
  const pass = async () => {
    again = true;
    if (running) return;
    running = true;
    while (again && !signal.aborted) {
      again = false;
      await registerServed(deps, false).catch((error: unknown) => {
        if (signal.aborted) return;
        log.warn('cannot register the served group versions; trying again later', { error });
        const cancel = clock.after(retryMs, () => void pass());
        signal.addEventListener('abort', cancel, { once: true });
      });
    }
    running = false;
  };
  signal.addEventListener(
    'abort',
    catalog.onChange(() => void pass()),
    { once: true },
  );
  // An object for custom kinds that a user deleted is created again, as upstream.
  const onChange = (previous: APIService | undefined, current: APIService | undefined) => {
    if (!current && previous?.metadata?.labels?.[managedLabel] === 'true') void pass();
  };
  await followKind(cache, apiServices, onChange, signal);
}
