// Encryption at rest by option: reads the configuration, opens the store with it, and follows changes of the file.
import { readFile } from 'node:fs/promises';
import { readEncryption } from '../apiserver/config/encryption';
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import { type OptionTable, type Parsed, parseBoolean, parseText } from '../process/options';
import { EncryptedStore } from '../store/encryption/encrypted-store';
import type { Store } from '../store/store';

export const encryptionOptions = {
  encryptionProviderConfig: {
    flag: 'encryption-provider-config',
    placeholder: 'FILE',
    default: '',
    help: 'EncryptionConfiguration of apiserver.config.k8s.io/v1: which resources are encrypted at rest, by which keys',
    parse: parseText,
  },
  encryptionProviderConfigAutomaticReload: {
    flag: 'encryption-provider-config-automatic-reload',
    default: 'true',
    help: 'use a changed file of --encryption-provider-config without a restart',
    parse: parseBoolean,
  },
} satisfies OptionTable;

/** How often the file is looked at. */
export const lookMs = 10_000;

export interface EncryptionDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** The same store when no file is given. @throws BadRequest for a wrong file */
export async function openEncryption(
  store: Store,
  options: Parsed<typeof encryptionOptions>,
  deps: EncryptionDeps,
  signal: AbortSignal,
): Promise<Store> {
  const file = options.encryptionProviderConfig;
  if (file === '') return store;
  const source = await readFile(file, 'utf8');
  const encrypted = new EncryptedStore(store, readEncryption(source, file));
  if (options.encryptionProviderConfigAutomaticReload) void followFile(file, source, encrypted, deps, signal);
  return encrypted;
}

/**
 * A file with an error, or without a key that some value still needs, is reported once; the keys from before stay in use then. Never
 * rejects.
 */
async function followFile(
  file: string,
  known: string,
  store: EncryptedStore,
  { clock, log }: EncryptionDeps,
  signal: AbortSignal,
): Promise<void> {
  let seen = known;
  for (;;) {
    await clock.sleep(lookMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const source = await readFile(file, 'utf8');
      if (source === seen) continue;
      seen = source;
      await store.use(readEncryption(source, file));
      log.info('the encryption configuration has changed and is used', { file });
    } catch (error) {
      log.error('the changed encryption configuration cannot be used; the one from before stays in use', {
        file,
        error,
      });
    }
  }
}
