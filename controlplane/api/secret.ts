// v1 Secret.
import { isDeepStrictEqual } from 'node:util';
import type { V1Secret } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { maxConfigBytes } from './config-map';
import { defineKind, type WriteContext } from './kind';
import { jsonSyntaxError } from './schema/json-error';
import { accountNameAnnotation, accountOf, serviceAccountTokenType } from './service-account-token';
import { ageColumn, nameColumn } from './table';
import { whyNoKeyPair } from './tls-secret';
import type { Wire } from './types';
import { forbidden, immutable, invalid, invalidEach, required, tooLong } from './validation/causes';
import { configMapKey } from './validation/names';

export type Secret = Wire<V1Secret>;

/** The required keys of Secrets of a known type; for basic-auth one of the two is enough. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const mayNotBeEmpty = ['ssh-privatekey'];

function validate(object: Secret, { old }: WriteContext<Secret>): FieldCause[] {
  const { data = {}, type = '' } = object;
  const causes: FieldCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    causes.push(...invalidEach(`data[${key}]`, key, configMapKey(key)));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > maxConfigBytes) causes.push(tooLong('data', maxConfigBytes));
  for (const key of requiredKeys[type] ?? []) {
    const isMissing = !Object.hasOwn(data, key) || (mayNotBeEmpty.includes(key) && data[key] === '');
    if (isMissing) causes.push(required(`data[${key}]`));
  }
  causes.push(...validateContents(object));
  if (type === 'kubernetes.io/basic-auth' && !Object.hasOwn(data, 'username') && !Object.hasOwn(data, 'password')) {
    causes.push(required('data[username]'), required('data[password]'));
  }
  if (type === serviceAccountTokenType && accountOf(object).name === '') {
    causes.push(required(`metadata.annotations[${accountNameAnnotation}]`));
  }
  return [...causes, ...(old ? validateUpdate(object, old) : [])];
}

function validateContents({ type, data = {} }: Secret): FieldCause[] {
  const key = type === 'kubernetes.io/dockerconfigjson' ? '.dockerconfigjson' : '.dockercfg';
  const value = data[key];
  if (value === undefined || !type?.startsWith('kubernetes.io/dockerc')) return [];
  const wrong = jsonSyntaxError(Buffer.from(value, 'base64'));
  return wrong === undefined ? [] : [invalid(`data[${key}]`, '<secret contents redacted>', wrong)];
}

function validateUpdate(object: Secret, old: Secret): FieldCause[] {
  const causes: FieldCause[] = [];
  if (object.type !== old.type) causes.push(invalid('type', object.type, immutable));
  if (!old.immutable) return causes;
  if (!object.immutable) causes.push(forbidden('immutable', 'field is immutable when `immutable` is set'));
  if (!isDeepStrictEqual(object.data, old.data))
    causes.push(forbidden('data', `${immutable} when \`immutable\` is set`));
  return causes;
}

export const secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  schema: { model: 'V1Secret' },
  defaults: (secret) => {
    secret.type ||= 'Opaque';
    // stringData is write-only: its values are added to data and never returned.
    for (const [key, value] of Object.entries(secret.stringData ?? {})) {
      secret.data = { ...secret.data, [key]: Buffer.from(value).toString('base64') };
    }
    delete secret.stringData;
  },
  validate,
  warnings: ({ type, data = {} }) => {
    if (type !== 'kubernetes.io/tls') return [];
    const [certificate, key] = ['tls.crt', 'tls.key'].map((name) =>
      Buffer.from(data[name] ?? '', 'base64').toString('latin1'),
    );
    const why = whyNoKeyPair(certificate ?? '', key ?? '');
    return why === undefined ? [] : [why];
  },
  columns: [
    nameColumn,
    {
      name: 'Type',
      type: 'string',
      description: 'Used by programs to tell secrets apart.',
      cell: ({ type }) => type ?? '',
    },
    {
      name: 'Data',
      type: 'string',
      description: 'The number of keys.',
      cell: ({ data }) => Object.keys(data ?? {}).length,
    },
    ageColumn,
  ],
  fields: { type: ({ type }) => type ?? '' },
});
