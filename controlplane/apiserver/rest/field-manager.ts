// Who a write is attributed to in metadata.managedFields, and keeping that true after writes that are no apply.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { type FieldCause, Invalid } from '../../base/errors';
import { trackUpdate } from '../patch/apply';
import { header } from '../request';
import type { RestDeps, RestRequest } from './context';

const maxManagerLength = 128;

/** The fieldManager asked for, else what the User-Agent calls itself up to its first slash. @throws Invalid */
export function managerOf({ request, query }: RestRequest): string {
  const asked = query.get('fieldManager') ?? '';
  if (asked !== '') {
    checkManager(asked, 'UpdateOptions');
    return asked;
  }
  const [product = ''] = header(request.headers, 'user-agent').split('/', 1);
  return [...product].filter(isPrintable).join('').slice(0, maxManagerLength) || 'unknown';
}

/** The owner of an apply, which has to name itself. @throws Invalid */
export function applierOf({ query }: RestRequest): string {
  const manager = query.get('fieldManager') ?? '';
  if (manager === '') {
    throw invalidOption('PatchOptions', {
      reason: 'FieldValueRequired',
      field: 'fieldManager',
      message: 'Required value: is required for apply patch',
    });
  }
  checkManager(manager, 'PatchOptions');
  return manager;
}

/** `force` takes over the fields of others, which only an apply can. @throws Invalid */
export function refuseForce({ query }: RestRequest): void {
  if (!query.has('force')) return;
  throw invalidOption('PatchOptions', {
    reason: 'FieldValueForbidden',
    field: 'force',
    message: 'Forbidden: may not be specified for non-apply patch',
  });
}

/** Options share one kind of error whatever resource they came with. */
function invalidOption(options: string, cause: FieldCause): Invalid {
  return new Invalid(`${options}.meta.k8s.io "" is invalid: ${cause.field}: ${cause.message}`, [cause], {
    details: { group: 'meta.k8s.io', kind: options },
  });
}

function checkManager(manager: string, options: string): void {
  const field = 'fieldManager';
  if (Buffer.byteLength(manager) > maxManagerLength) {
    const message = `Too long: may not be more than ${maxManagerLength} bytes`;
    throw invalidOption(options, { reason: 'FieldValueTooLong', field, message });
  }
  if ([...manager].every(isPrintable)) return;
  const message = `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`;
  throw invalidOption(options, { reason: 'FieldValueInvalid', field, message });
}

const isPrintable = (character: string): boolean => character === ' ' || /^[^\p{C}\p{Z}]$/u.test(character);

/**
 * Brings managedFields of `object` up to date in place. Objects that were never applied have none and cost two look-ups
 * here: their fields get an owner with the first apply (KEP-555).
 */
export function trackOwners(
  deps: RestDeps,
  rest: RestRequest,
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  if (!old?.metadata?.managedFields && !object.metadata?.managedFields) return;
  const tracked = trackUpdate({
    before: old ?? {},
    after: object,
    kind,
    manager: managerOf(rest),
    subresource: rest.route.subresource,
    now: deps.clock.now(),
  });
  if (tracked.metadata) object.metadata = tracked.metadata;
}
