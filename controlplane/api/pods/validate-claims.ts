// Field rules of resource claims. This server has no device drivers, so a pod with claims waits.
import type { FieldCause } from '../../base/errors';
import { duplicate, forbidden, invalid, invalidEach, required } from '../validation/causes';
import { dns1123Label, dns1123Subdomain } from '../validation/names';
import type { PodSpec, ResourceRequirements } from './types';

export const claimNames = ({ resourceClaims = [] }: PodSpec): ReadonlySet<string> =>
  new Set(resourceClaims.map(({ name = '' }) => name).filter((name) => name !== ''));

export function validateClaims(claims: NonNullable<PodSpec['resourceClaims']>, field: string): FieldCause[] {
  const names = new Set<string>();
  return claims.flatMap((claim, i) => {
    const at = `${field}[${i}]`;
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim;
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    else if (names.has(name)) causes.push(duplicate(`${at}.name`, name));
    else causes.push(...invalidEach(`${at}.name`, name, dns1123Label(name)));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      causes.push(invalid(at, claim, detail));
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      causes.push(invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    for (const [key, value] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
      if (value !== undefined) causes.push(...invalidEach(`${at}.${key}`, value, dns1123Subdomain(value)));
    }
    return causes;
  });
}

/** A container may use only claims of its pod. */
export function validateClaimUse(
  claims: NonNullable<ResourceRequirements['claims']>,
  known: ReadonlySet<string>,
  field: string,
): FieldCause[] {
  const used = new Set<string>();
  return claims.flatMap(({ name = '', request = '' }, i) => {
    const at = `${field}[${i}]`;
    if (name === '') return [required(at)];
    const key = request === '' ? name : `${name}/${request}`;
    const causes = request === '' ? [] : invalidEach(`${at}.request`, request, dns1123Label(request));
    const partly = request === '' && [...used].some((other) => other.startsWith(`${name}/`));
    if (used.has(name) || used.has(key) || partly) causes.push(duplicate(at, used.has(name) || partly ? name : key));
    used.add(key);
    if (!known.has(name)) {
      const names = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
      const message = `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${names}`;
      causes.push({ reason: 'FieldValueNotFound', field: at, message });
    }
    return causes;
  });
}

export const noClaims = (field: string): FieldCause =>
  forbidden(field, 'claims may not be set for Resources at pod-level');
