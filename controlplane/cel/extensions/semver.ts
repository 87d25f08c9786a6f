// semver("1.2.3") and its functions. Source: Kubernetes' semver library and https://semver.org.
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';

const type = 'kubernetes.Semver';
const form =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*))?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/;
/** Longer texts are no versions; it bounds the work of the pattern, too. */
const maxLength = 256;

class Semver {
  constructor(
    readonly numbers: readonly bigint[],
    readonly prerelease: readonly string[],
  ) {}
}

/** v1.2 → 1.2.0: the form that `semver(text, true)` accepts in addition. */
function normalized(text: string): string {
  const [, core = '', rest = ''] = /^v?([^-+]*)(.*)$/s.exec(text) ?? [];
  const parts = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) parts.push('0');
  return parts.join('.') + rest;
}

function parse(text: string, normalize = false): Semver | undefined {
  const found = text.length > maxLength ? null : form.exec(normalize ? normalized(text) : text);
  if (!found) return undefined;
  const [, major, minor, patch, prerelease] = found;
  return new Semver(
    [BigInt(major!), BigInt(minor!), BigInt(patch!)],
    prerelease === undefined ? [] : prerelease.split('.'),
  );
}

/** Why a text is no version, in the words of Go's package blang/semver. */
function errorOf(text: string): string {
  if (text === '') return 'Version string empty';
  const parts = text.split('.');
  if (parts.length < 3) return 'No Major.Minor.Patch elements found';
  const [major = '', minor = ''] = parts;
  const rest = parts.slice(2).join('.');
  const patch = /^[^-+]*/.exec(rest)![0];
  for (const [name, number] of Object.entries({ major, minor, patch })) {
    const title = name[0]!.toUpperCase() + name.slice(1);
    if (!/^\d*$/.test(number)) return `Invalid character(s) found in ${name} number ${JSON.stringify(number)}`;
    if (/^0./.test(number)) return `${title} number must not contain leading zeroes ${JSON.stringify(number)}`;
    if (number === '') return `strconv.ParseUint: parsing "": invalid syntax`;
  }
  const [before = '', build] = rest.slice(patch.length).split('+', 2);
  const texts = (list: string | undefined, what: string, title: string): string | undefined => {
    const wrong = list?.split('.').find((one) => !/^[\dA-Za-z-]+$/.test(one));
    if (wrong === undefined) return undefined;
    return wrong === '' ? `${title} is empty` : `Invalid character(s) found in ${what} ${JSON.stringify(wrong)}`;
  };
  const prerelease = before.startsWith('-') ? before.slice(1) : undefined;
  return (
    texts(prerelease, 'prerelease', 'Prerelease') ??
    texts(build, 'build meta data', 'Build meta data') ??
    'Numeric PreRelease version must not contain leading zeroes'
  );
}

function semver(text: string, normalize = false): Semver {
  const version = parse(text, normalize);
  if (!version) throw new CelEvaluationError(errorOf(normalize ? normalized(text) : text));
  return version;
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);
const order = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

function comparePart(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return order(BigInt(a), BigInt(b));
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return order(a, b);
}

/** A version with a prerelease comes before the version without one; more parts come after fewer. */
function compare(a: Semver, b: Semver): number {
  for (const [i, number] of a.numbers.entries()) {
    const result = order(number, b.numbers[i]!);
    if (result !== 0) return result;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return order(b.prerelease.length, a.prerelease.length);
  }
  for (const [i, part] of a.prerelease.entries()) {
    if (b.prerelease[i] === undefined) break;
    const result = comparePart(part, b.prerelease[i]);
    if (result !== 0) return result;
  }
  return order(a.prerelease.length, b.prerelease.length);
}

export function registerSemver(environment: Environment): void {
  environment
    .registerType(type, { ctor: Semver, fields: {} })
    .registerOperator(`${type} == ${type}`, (a: Semver, b: Semver) => compare(a, b) === 0)
    .registerFunction(`semver(string): ${type}`, (text: string) => semver(text))
    .registerFunction(`semver(string, bool): ${type}`, semver)
    .registerFunction('isSemver(string): bool', (text: string) => parse(text) !== undefined)
    .registerFunction('isSemver(string, bool): bool', (text: string, normalize: boolean) =>
      Boolean(parse(text, normalize)),
    )
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: Semver, b: Semver) => compare(a, b) > 0)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: Semver, b: Semver) => compare(a, b) < 0)
    .registerFunction(`${type}.compareTo(${type}): int`, (a: Semver, b: Semver) => BigInt(compare(a, b)));
  for (const [i, name] of ['major', 'minor', 'patch'].entries()) {
    environment.registerFunction(`${type}.${name}(): int`, ({ numbers }: Semver) => numbers[i]!);
  }
}
