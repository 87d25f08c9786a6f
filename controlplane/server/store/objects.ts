// What check finds wrong with the keys of a store: one key at a time, and what several of them contradict. Pure.

import { parseStored } from '../../api/json-text';
import type { Kind } from '../../api/kind';
import { storageKind } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { describeError } from '../../base/errors';
import { isEncrypted } from '../../store/encryption/providers';
import type { EncryptionRules } from '../../store/encryption/rules';
import { foreignKey, isProtobuf } from '../../store/foreign';
import type { Entry } from '../../store/tools/backup-format';

export interface Finding {
  readonly key?: string;
  readonly problem: string;
  /** What to do. */
  readonly remedy: string;
}

export const definitionsPrefix = '/registry/apiextensions.k8s.io/customresourcedefinitions/';

const byHand = 'read it with kubectl, delete and create it again; or restore a backup';
const restore = 'restore a backup';
const restart =
  'start the server once: it writes the missing claims; surplus ones end with the next write of the object';

interface Definition {
  readonly kind: string;
  readonly namespaced: boolean;
}

export class ObjectChecks {
  /** The kinds by `/registry/GROUP/RESOURCE/`, in whose form objects are stored. */
  private readonly stored: ReadonlyMap<string, Kind>;
  /** By prefix. */
  private readonly custom = new Map<string, Definition>();
  private readonly holders = new Map<string, string>();
  encrypted = 0;
  count = 0;

  /** `rules`: with them encrypted values are read, without them they are only counted. */
  constructor(
    kinds: readonly Kind[],
    private readonly rules: EncryptionRules | undefined,
  ) {
    this.stored = new Map(kinds.map((kind) => [kind.prefix, storageKind(kind)]));
  }

  /** Reads a definition: custom objects are checked after all of them. */
  define(entry: Entry): void {
    try {
      const value = this.rules?.decrypt(entry.key, entry.value).value ?? entry.value;
      const { spec } = parseStored(value.toString()) as {
        readonly spec: { group: string; names: { plural: string; kind: string }; scope: string };
      };
      const { group, names, scope } = spec;
      this.custom.set(`/registry/${group}/${names.plural}/`, { kind: names.kind, namespaced: scope === 'Namespaced' });
    } catch {
      // check() says what is wrong with it.
    }
  }

  /** Entries in any order, each once. */
  check(entry: Entry): readonly Finding[] {
    const { key } = entry;
    this.count++;
    const foreign = foreignKey(key);
    if (foreign !== undefined)
      return [{ key, problem: foreign, remedy: 'use a store of its own for k8ts, and copy the objects with kubectl' }];
    const found = this.place(key);
    if (!found)
      return [
        { key, problem: 'no kind has this key', remedy: 'if its definition was deleted, nothing serves it: harmless' },
      ];
    const claims = this.contested(entry);
    let value: Buffer;
    try {
      value = this.rules?.decrypt(key, entry.value).value ?? entry.value;
    } catch (error) {
      return [{ key, problem: describeError(error), remedy: 'add the key to the EncryptionConfiguration' }, ...claims];
    }
    if (isEncrypted(value)) {
      this.encrypted++;
      return claims;
    }
    return [...checkValue(value, entry, found), ...claims];
  }

  private place(key: string): Place | undefined {
    const [, , group = '', resource = '', ...names] = key.split('/');
    const prefix = `/registry/${group}/${resource}/`;
    const kind = this.stored.get(prefix);
    const definition = kind ?? this.custom.get(prefix);
    if (!definition || names.length !== (definition.namespaced ? 2 : 1) || names.includes('')) return undefined;
    const [namespace, name] = definition.namespaced ? names : [undefined, names[0]];
    return {
      kind: definition.kind,
      namespace,
      name: name!,
      ...(kind?.options.claims ? { claims: claimsBy(kind) } : {}),
    };
  }

  private contested({ key, claims }: Entry): readonly Finding[] {
    return claims.flatMap((claim) => {
      const other = this.holders.get(claim);
      this.holders.set(claim, other ?? key);
      return other === undefined
        ? []
        : [{ key, problem: `${claim} is also held by ${other}`, remedy: 'change one of the two objects' }];
    });
  }
}

interface Place {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly claims?: (object: KubeObject) => readonly string[];
}

/** Of an object in any stored form. */
const claimsBy =
  ({ options }: Kind) =>
  (object: KubeObject) =>
    options.claims?.(options.upgrade?.(object) ?? object) ?? [];

function checkValue(value: Buffer, { key, claims }: Entry, place: Place): readonly Finding[] {
  const finding = (problem: string, remedy: string): Finding => ({ key, problem, remedy });
  if (isProtobuf(value)) {
    return [
      finding('kube-apiserver wrote it in protobuf', 'read it with that server, and create it here with kubectl'),
    ];
  }
  let object: KubeObject;
  try {
    object = parseStored(value.toString()) as KubeObject;
  } catch {
    return [finding('its value is not JSON', restore)];
  }
  const { kind, apiVersion, metadata } = (object ?? {}) as KubeObject & { readonly kind?: string };
  if (typeof object !== 'object' || typeof metadata !== 'object' || typeof apiVersion !== 'string') {
    return [finding('its value is not an object of the API', restore)];
  }
  const findings: Finding[] = [];
  if (kind !== place.kind) findings.push(finding(`its kind is ${JSON.stringify(kind)}, not ${place.kind}`, byHand));
  for (const field of ['name', 'namespace'] as const) {
    if ((metadata?.[field] || undefined) === place[field]) continue;
    findings.push(finding(`its ${field} is ${JSON.stringify(metadata?.[field])}, not that of the key`, byHand));
  }
  if (typeof metadata?.uid !== 'string' || metadata.uid === '') findings.push(finding('it has no uid', byHand));
  return [...findings, ...checkClaims(object, claims, place, key)];
}

function checkClaims(object: KubeObject, held: readonly string[], place: Place, key: string): readonly Finding[] {
  let wanted: ReadonlySet<string>;
  try {
    wanted = new Set(place.claims?.(object));
  } catch (error) {
    return [{ key, problem: `its claims cannot be computed: ${describeError(error)}`, remedy: byHand }];
  }
  const missing = [...wanted].filter((claim) => !held.includes(claim));
  const surplus = held.filter((claim) => !wanted.has(claim));
  return [
    ...missing.map((claim) => ({ key, problem: `it does not hold ${claim}, which its value has`, remedy: restart })),
    ...surplus.map((claim) => ({ key, problem: `it holds ${claim}, which its value does not have`, remedy: restart })),
  ];
}

/** Claims of keys that do not exist. */
export const orphan = (claim: string, owner: string): Finding => ({
  key: owner,
  problem: `it does not exist, but holds ${claim}: no other object can get it`,
  remedy: 'make a backup and restore it: a backup has only claims of objects',
});
