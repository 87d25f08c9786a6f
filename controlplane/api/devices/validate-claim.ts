// The rules and defaults of what a claim requests: requests, constraints between their devices, configuration.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Subdomain } from '../validation/names';
import { mostConfigurations, validateConfiguration } from './configuration';
import { validateList, validateSet } from './lists';
import { validateFullAttributeName, validateLabelName } from './names';
import { defaultToleration, validateToleration } from './tolerations';
import type { Constraint, DeviceClaim, ExactRequest, Request, Selector, SubRequest } from './types';

export const mostRequests = 32;
const mostConstraints = 32;
export const mostSelectors = 32;
const mostAlternatives = 8;
const modes = ['All', 'ExactCount'];

/** The names that constraints, configuration and results refer to: those of requests, and of their alternatives as `name/alternative`. */
export type RequestNames = ReadonlySet<string>;

export function requestNames({ requests = [] }: DeviceClaim): RequestNames {
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((alternative) => `${name}/${alternative.name}`),
    ]),
  );
}

export function defaultClaim({ requests }: DeviceClaim): void {
  for (const { exactly, firstAvailable } of requests ?? []) {
    if (exactly) defaultRequest(exactly);
    for (const alternative of firstAvailable ?? []) defaultRequest(alternative);
  }
}

function defaultRequest(request: ExactRequest | SubRequest): void {
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount') request.count ||= 1;
  request.tolerations?.forEach(defaultToleration);
}

export function validateClaim(claim: DeviceClaim, field: string): FieldCause[] {
  const names = requestNames(claim);
  return [
    ...validateSet(claim.requests, mostRequests, `${field}.requests`, { check: validateRequest, key: nameOf }),
    ...validateList(claim.constraints, mostConstraints, `${field}.constraints`, (constraint, at) =>
      validateConstraint(constraint, at, names),
    ),
    ...validateList(claim.config, mostConfigurations, `${field}.config`, (config, at) => [
      ...validateReferences(config.requests, `${at}.requests`, names),
      ...validateConfiguration(config, at),
    ]),
  ];
}

const nameOf = ({ name }: { name: string }): string => name;

function validateRequest({ name, exactly, firstAvailable = [] }: Request, field: string): FieldCause[] {
  const causes = validateLabelName(name, `${field}.name`);
  const one = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0) {
    return [...causes, invalid(field, undefined, `${one}, but multiple fields are set`)];
  }
  if (exactly) return [...causes, ...validateDevices(exactly, `${field}.exactly`)];
  if (firstAvailable.length === 0) return [...causes, required(field, one)];
  const check = (alternative: SubRequest, at: string) => [
    ...validateLabelName(alternative.name, `${at}.name`),
    ...validateDevices(alternative, at),
  ];
  return [
    ...causes,
    ...validateSet(firstAvailable, mostAlternatives, `${field}.firstAvailable`, { check, key: nameOf }),
  ];
}

function validateDevices(request: ExactRequest | SubRequest, field: string): FieldCause[] {
  const { deviceClassName = '', selectors, allocationMode = '', count = 0, tolerations } = request;
  return [
    ...(deviceClassName === ''
      ? [required(`${field}.deviceClassName`)]
      : invalidEach(`${field}.deviceClassName`, deviceClassName, dns1123Subdomain(deviceClassName))),
    ...validateSelectors(selectors, `${field}.selectors`),
    ...validateCount(allocationMode, count, field),
    ...validateList(tolerations, undefined, `${field}.tolerations`, validateToleration),
  ];
}

/** The expressions are compiled by a rule of the API server, since controlplane/cel imports this folder. */
export function validateSelectors(selectors: readonly Selector[] | undefined, field: string): FieldCause[] {
  return validateList(selectors, mostSelectors, field, ({ cel }, at) => (cel ? [] : [required(`${at}.cel`)]));
}

function validateCount(mode: string, count: number, field: string): FieldCause[] {
  if (!modes.includes(mode)) return [notSupported(`${field}.allocationMode`, mode, modes)];
  if (mode === 'ExactCount') return count > 0 ? [] : [invalid(`${field}.count`, count, 'must be greater than zero')];
  return count === 0
    ? []
    : [invalid(`${field}.count`, count, `must not be specified when allocationMode is '${mode}'`)];
}

function validateConstraint(constraint: Constraint, field: string, names: RequestNames): FieldCause[] {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  const causes = validateReferences(requests, `${field}.requests`, names);
  if (matchAttribute !== undefined) {
    return [...causes, ...validateFullAttributeName(matchAttribute, `${field}.matchAttribute`)];
  }
  if (distinctAttribute !== undefined) {
    return [...causes, ...validateFullAttributeName(distinctAttribute, `${field}.distinctAttribute`)];
  }
  // Upstream's message, which speaks of several fields although there is none.
  const detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...causes, required(field, detail)];
}

/** References of a constraint or a configuration to requests. */
export function validateReferences(
  references: readonly string[] | undefined,
  field: string,
  names: RequestNames,
): FieldCause[] {
  const check = (reference: string, at: string) => validateReference(reference, at, names);
  return validateSet(references, mostRequests, field, { check, key: (reference) => reference });
}

export function validateReference(reference: string | undefined, field: string, names: RequestNames): FieldCause[] {
  const name = reference ?? '';
  const detail =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const unknown = names.has(name) ? [] : [invalid(field, name, detail)];
  const parts = name.split('/');
  if (parts.length > 2) return unknown;
  return [...parts.flatMap((part) => validateLabelName(part, field)), ...unknown];
}
