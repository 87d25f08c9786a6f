// Field rules of LimitRanges.
import type { FieldCause } from '../../base/errors';
import type { LimitRangeItem } from '../limit-range';
import { isExtended, isHugePages, isNative } from '../pods/resource-names';
import { compareQuantities, parseQuantity } from '../quantity';
import { isStandard } from '../quota/validate';
import { duplicate, forbidden, invalid, invalidEach, maxCauses, required } from '../validation/causes';
import { qualifiedName } from '../validation/names';

type Amounts = Readonly<Record<string, string>>;
const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
const limitTypes = ['Container', 'PersistentVolumeClaim', 'Pod'];
const ofContainers = ['cpu', 'ephemeral-storage', 'memory'];

export function validateLimits(items: readonly LimitRangeItem[]): FieldCause[] {
  const seen = new Set<string>();
  return items.flatMap((item, i) => {
    const at = `spec.limits[${i}]`;
    const { type = '' } = item;
    const twice = seen.has(type) ? [duplicate(`${at}.type`, type)] : [];
    seen.add(type);
    return [...validateType(type, `${at}.type`), ...twice, ...validateItem(item, at)];
  });
}

function validateType(type: string, field: string): FieldCause[] {
  const wrong = invalidEach(field, type, qualifiedName(type));
  if (wrong.length > 0 || type.includes('/') || limitTypes.includes(type)) return wrong;
  return [invalid(field, type, 'must be a standard limit type or fully qualified')];
}

function validateItem(item: LimitRangeItem, at: string): FieldCause[] {
  const isPod = item.type === 'Pod';
  const unused = (list: string): boolean => isPod && (list === 'default' || list === 'defaultRequest');
  const causes = lists.flatMap((list) => {
    const names = Object.keys(item[list] ?? {});
    if (unused(list)) {
      return names.length === 0 ? [] : [forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'")];
    }
    return names.slice(0, maxCauses).flatMap((name) => validateName(item.type, name, `${at}.${list}[${name}]`));
  });
  if (item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided';
    causes.push(required(`${at}.limits`, detail));
  }
  const names = new Set(lists.filter((list) => !unused(list)).flatMap((list) => Object.keys(item[list] ?? {})));
  return [...causes, ...[...names].slice(0, maxCauses).flatMap((name) => validateAmounts(item, name, at))];
}

function validateName(type: string, name: string, field: string): FieldCause[] {
  const causes = invalidEach(field, name, qualifiedName(name));
  const isShort = !name.includes('/');
  // A quota has no `storage`, only `requests.storage`.
  if (causes.length === 0 && isShort && !isStandard(name) && name !== 'storage') {
    causes.push(invalid(field, name, 'must be a standard resource type or fully qualified'));
  }
  if (type !== 'Pod' && type !== 'Container') return causes;
  if (isShort) {
    const known = ofContainers.includes(name) || isHugePages(name);
    return known ? causes : [...causes, invalid(field, name, 'must be a standard resource for containers')];
  }
  if (isNative(name) || isExtended(name)) return causes;
  return [...causes, invalid(field, name, "doesn't follow extended resource name standard")];
}

const above = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;

/** The amounts of one resource compared with each other; the shown value is upstream's, which is not always the wrong one. */
function validateAmounts(item: LimitRangeItem, name: string, at: string): FieldCause[] {
  const [max, min, limit, request, ratio] = lists.map((list) => (item[list] as Amounts | undefined)?.[name]);
  const field = (list: string): string => `${at}.${list}[${name}]`;
  const causes: FieldCause[] = [];
  if (above(min, max)) causes.push(invalid(field('min'), min, `min value ${min} is greater than max value ${max}`));
  const requested = field('defaultRequest');
  if (above(min, request))
    causes.push(invalid(requested, request, `min value ${min} is greater than default request value ${request}`));
  if (above(request, max))
    causes.push(invalid(requested, request, `default request value ${request} is greater than max value ${max}`));
  if (above(request, limit))
    causes.push(
      invalid(requested, request, `default request value ${request} is greater than default limit value ${limit}`),
    );
  if (above(min, limit))
    causes.push(invalid(field('default'), min, `min value ${min} is greater than default value ${limit}`));
  if (above(limit, max))
    causes.push(invalid(field('default'), max, `default value ${limit} is greater than max value ${max}`));
  if (ratio !== undefined) causes.push(...validateRatio(ratio, min, max, field('maxLimitRequestRatio')));
  const fixed = !isNative(name) || isHugePages(name);
  if (fixed && (above(limit, request) || above(request, limit))) {
    const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
    causes.push(invalid(requested, request, detail));
  }
  return causes;
}

function validateRatio(ratio: string, min: string | undefined, max: string | undefined, field: string): FieldCause[] {
  const causes = above('1', ratio) ? [invalid(field, ratio, `ratio ${ratio} is less than 1`)] : [];
  if (min === undefined || max === undefined) return causes;
  const [value, low, high] = [ratio, min, max].map((text) => Number(parseQuantity(text).nano));
  const bound = high! / low!;
  if (value! / 1e9 > bound) {
    causes.push(invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${bound.toFixed(6)}`));
  }
  return causes;
}
