// Which providers read and write the values of which resources. The first provider of a resource writes, all of them read. Pure.
import { Unsupported } from '../../base/errors';
import { identity, isEncrypted, type Provider } from './providers';

/** Providers for resources as the configuration names them: secrets, deployments.apps, *.apps, *., *.*. */
export interface EncryptionRule {
  readonly resources: readonly string[];
  /** At least one. */
  readonly providers: readonly Provider[];
}

/** A value as it is for readers, and the prefix of the provider that wrote it. */
export interface ReadValue {
  readonly value: Buffer;
  readonly writer: string;
}

const plain: readonly Provider[] = [identity];

export class EncryptionRules {
  /** By `/registry/GROUP/RESOURCE/`. */
  private readonly known = new Map<string, readonly Provider[]>();

  constructor(private readonly rules: readonly EncryptionRule[]) {}

  /** The value as it is to be stored at `key`. */
  encrypt(key: string, value: Buffer): Buffer {
    return this.of(key)[0]!.encrypt(value, key);
  }

  /** @throws Unsupported for a value that no provider of its resource reads */
  decrypt(key: string, stored: Buffer): ReadValue {
    const providers = this.of(key);
    if (!isEncrypted(stored)) {
      if (providers.includes(identity) || stored.length === 0) return { value: stored, writer: '' };
      throw unreadable(key, 'it is not encrypted, and the resource has no provider identity');
    }
    const reader = providers.find(({ prefix }) => prefix !== '' && startsWith(stored, prefix));
    const shown = stored.toString('latin1', 0, 64).split(':').slice(0, 5).join(':');
    if (!reader)
      throw unreadable(key, `no key is configured for values that begin with ${JSON.stringify(`${shown}:`)}`);
    try {
      return { value: reader.decrypt(stored.subarray(reader.prefix.length), key), writer: reader.prefix };
    } catch (cause) {
      throw unreadable(
        key,
        `the key of ${JSON.stringify(reader.prefix)} is not the one that encrypted it, or it is damaged`,
        cause,
      );
    }
  }

  /** The prefix of the provider that writes this key. */
  writer(key: string): string {
    return this.of(key)[0]!.prefix;
  }

  private of(key: string): readonly Provider[] {
    const prefix = kindPrefix(key);
    let found = this.known.get(prefix);
    if (!found) {
      found = this.find(prefix);
      this.known.set(prefix, found);
    }
    return found;
  }

  /** An exact name before the resources of a group, and these before all. */
  private find(prefix: string): readonly Provider[] {
    const [, , stored = '', resource = ''] = prefix.split('/');
    const group = stored === 'core' ? '' : stored;
    const names = [group === '' ? resource : `${resource}.${group}`, `*.${group}`, '*.*'];
    for (const name of names) {
      const rule = this.rules.find(({ resources }) => resources.includes(name));
      if (rule) return rule.providers;
    }
    return plain;
  }
}

const startsWith = (value: Buffer, prefix: string): boolean => value.toString('latin1', 0, prefix.length) === prefix;

/** `/registry/core/pods/default/web` belongs to `/registry/core/pods/`. */
function kindPrefix(key: string): string {
  const group = key.indexOf('/', key.indexOf('/', 1) + 1);
  return key.slice(0, key.indexOf('/', group + 1) + 1);
}

const unreadable = (key: string, why: string, cause?: unknown) =>
  new Unsupported(`cannot decrypt ${key}: ${why}`, { cause });

/** @throws Unsupported for a value that is encrypted, in a server without rules */
export function refuseEncrypted(key: string, value: Buffer): void {
  if (isEncrypted(value))
    throw unreadable(key, 'start the server with the --encryption-provider-config that has its key');
}
