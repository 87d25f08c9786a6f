// Equality and hash of pod templates. Two templates are equal when the API server would treat them alike: an absent
// field, null and an empty list are the same, and so are empty objects, except in fields whose presence alone means something
// (resources: {} means nothing, emptyDir: {} selects a volume type).
import type { PodTemplate } from '../../api/pods/types';

export const podTemplateHash = 'pod-template-hash';
const emptyMeansAbsent = new Set([
  'metadata',
  'labels',
  'annotations',
  'nodeSelector',
  'resources',
  'limits',
  'requests',
]);

/** The template as text with sorted keys, without the hash label. */
export function canonicalTemplate(template: PodTemplate): string {
  const { [podTemplateHash]: _hash, ...labels } = template.metadata?.labels ?? {};
  return JSON.stringify(canonical({ ...template, metadata: { ...template.metadata, labels } })) ?? '';
}

function canonical(value: unknown, key = ''): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => canonical(item) ?? null);
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([name, item]) => [name, canonical(item, name)] as const)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0 && emptyMeansAbsent.has(key)) return undefined;
  return Object.fromEntries(entries);
}

/** Letters that form no words and no digits that look like letters: those of Kubernetes' generated names. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The value of the pod-template-hash label: FNV-1a of the template, and of the count of name collisions so far. */
export function hashTemplate(template: PodTemplate, collisionCount = 0): string {
  let hash = 0x811c9dc5;
  const text = collisionCount === 0 ? canonicalTemplate(template) : `${canonicalTemplate(template)}#${collisionCount}`;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}
