// Encryption at rest by option: reads the configuration, opens the store with it, and follows changes of the file.
import { readFile } from 'node:fs/promises';
import { readEncryption } from '../apiserver/config/encryption';
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import { type OptionTable, type Parsed, parseBoolean, parseText } from '../process/options';
import { EncryptedStore } from '../store/encryption/encrypted-store';
import type { Store } from '../store/store';
import { followFile } from './follow-file';

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
  if (options.encryptionProviderConfigAutomaticReload) {
    // A file without a key that some value still needs is not used.
    const apply = (text: string) => encrypted.use(readEncryption(text, file));
    void followFile({ file, source, what: 'encryption configuration', apply }, deps, signal);
  }
  return encrypted;
}
