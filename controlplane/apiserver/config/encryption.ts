// EncryptionConfiguration of apiserver.config.k8s.io/v1: which resources are encrypted at rest, by which providers and keys. Pure.

import { invalid, required } from '../../api/validation/causes';
import type { FieldCause } from '../../base/errors';
import { aesCbc, aesGcm, aesKeySizes, identity, type Provider } from '../../store/encryption/providers';
import { type EncryptionRule, EncryptionRules } from '../../store/encryption/rules';
import { type ConfigKind, listOf, objectOf, readConfig, refuseCauses, text } from './read';

interface Keys {
  readonly keys?: readonly { readonly name?: string; readonly secret?: string }[];
}
interface ProviderEntry {
  readonly aesgcm?: Keys;
  readonly aescbc?: Keys;
  readonly secretbox?: Keys;
  readonly identity?: object;
  readonly kms?: object;
}
interface EncryptionFile {
  readonly resources?: readonly {
    readonly resources?: readonly string[];
    readonly providers?: readonly ProviderEntry[];
  }[];
}

const keys = objectOf({ keys: listOf(objectOf({ name: text, secret: text })) });
const any = { type: 'any' } as const;
const configKind: ConfigKind = {
  group: 'apiserver.config.k8s.io',
  versions: ['v1'],
  kind: 'EncryptionConfiguration',
  fields: {
    resources: listOf(
      objectOf({
        resources: listOf(text),
        providers: listOf(objectOf({ aesgcm: keys, aescbc: keys, secretbox: keys, identity: any, kms: any })),
      }),
    ),
  },
};

/** @throws BadRequest naming the file and each wrong field; no message contains a key */
export function readEncryption(source: string, file: string): EncryptionRules {
  const { resources = [] } = readConfig(source, file, configKind) as EncryptionFile;
  const causes: FieldCause[] =
    resources.length === 0 ? [required('resources', 'at least one resource is required')] : [];
  const seen = new Set<string>();
  const rules = resources.map(({ resources: names = [], providers = [] }, i): EncryptionRule => {
    const path = `resources[${i}]`;
    if (names.length === 0) causes.push(required(`${path}.resources`, 'at least one resource is required'));
    for (const [j, name] of names.entries()) causes.push(...nameCauses(name, `${path}.resources[${j}]`, seen));
    if (providers.length === 0) causes.push(required(`${path}.providers`, 'at least one provider is required'));
    const found = providers.flatMap((entry, j) => readProvider(entry, `${path}.providers[${j}]`, causes));
    return { resources: names, providers: found };
  });
  refuseCauses(file, causes);
  return new EncryptionRules(rules);
}

function nameCauses(name: string, field: string, seen: Set<string>): FieldCause[] {
  if (name === '') return [required(field)];
  if (name === '*')
    return [
      invalid(field, name, "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"),
    ];
  if (name !== '*.' && name.includes('*') && !/^\*\.[^*]+$/.test(name) && name !== '*.*') {
    return [invalid(field, name, 'a wildcard stands for all resources of a group: *.GROUP, *. or *.*')];
  }
  if (seen.has(name)) return [invalid(field, name, 'the resource is named twice; the first entry would hide this one')];
  const hidden = seen.has('*.*') || seen.has(groupWildcard(name));
  seen.add(name);
  return hidden ? [invalid(field, name, 'an earlier wildcard hides this resource; list wildcards last')] : [];
}

const groupWildcard = (name: string): string => (name.includes('.') ? `*.${name.slice(name.indexOf('.') + 1)}` : '*.');

function readProvider(entry: ProviderEntry, path: string, causes: FieldCause[]): Provider[] {
  const names = Object.keys(entry) as (keyof ProviderEntry)[];
  const [name] = names;
  if (name === undefined) {
    causes.push(
      required(
        path,
        'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity',
      ),
    );
    return [];
  }
  if (names.length > 1) {
    causes.push(
      invalid(
        path,
        names,
        'more than one provider specified in a single element, should split into different list elements',
      ),
    );
    return [];
  }
  switch (name) {
    case 'identity':
      return [identity];
    case 'aesgcm':
    case 'aescbc':
      return readKeys(entry[name] ?? {}, `${path}.${name}.keys`, name === 'aesgcm' ? aesGcm : aesCbc, causes);
    case 'secretbox':
      causes.push(invalid(`${path}.secretbox`, '', 'XSalsa20 and Poly1305 are not part of Node.js; use aesgcm'));
      return [];
    case 'kms':
      causes.push(invalid(`${path}.kms`, '', 'key management services are not supported; use aesgcm'));
      return [];
  }
}

function readKeys(
  { keys: list = [] }: Keys,
  path: string,
  create: (name: string, secret: Buffer) => Provider,
  causes: FieldCause[],
): Provider[] {
  if (list.length === 0) causes.push(required(path, 'at least one key is required'));
  return list.flatMap(({ name = '', secret = '' }, i) => {
    const at = `${path}[${i}]`;
    const before = causes.length;
    if (name === '') causes.push(required(`${at}.name`, 'key name is required'));
    // The prefix of a stored value is separated by colons.
    else if (name.includes(':')) causes.push(invalid(`${at}.name`, name, 'a name contains no colon'));
    if (list.findIndex((one) => one.name === name) < i)
      causes.push(invalid(`${at}.name`, name, 'the name stands twice'));
    const bytes = Buffer.from(secret, 'base64');
    if (secret === '') causes.push(required(`${at}.secret`, 'secret is required'));
    else if (bytes.toString('base64') !== secret.trim()) {
      causes.push(invalid(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded'));
    } else if (!aesKeySizes.includes(bytes.length)) {
      const why = `secret is not of the expected length, got ${bytes.length}, expected one of [${aesKeySizes.join(' ')}]`;
      causes.push(invalid(`${at}.secret`, 'REDACTED', why));
    }
    return causes.length > before ? [] : [create(name, bytes)];
  });
}
