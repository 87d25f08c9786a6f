// Follows a configuration file while the server runs: a changed text is applied, and one with an error leaves what was there before.
import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';

export interface FollowedFile {
  readonly file: string;
  /** The text that is in use. */
  readonly source: string;
  /** For messages: encryption configuration. */
  readonly what: string;
  readonly apply: (source: string) => Promise<void> | void;
}

/** How often the file is looked at. */
export const lookMs = 10_000;

/** Reports each wrong text once. Never rejects; ends with the signal. */
export async function followFile(
  { file, source, what, apply }: FollowedFile,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let seen = source;
  for (;;) {
    await clock.sleep(lookMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const text = await readFile(file, 'utf8');
      if (text === seen) continue;
      seen = text;
      await apply(text);
      log.info(`the ${what} has changed and is used`, { file });
    } catch (error) {
      log.error(`the changed ${what} cannot be used; the one from before stays in use`, { file, error });
    }
  }
}
