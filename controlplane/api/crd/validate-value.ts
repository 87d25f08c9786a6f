// The rules of an openAPIV3Schema for values, with the messages and field paths of kube-apiserver's validator. With an old value,
// errors of parts that did not change are left out, as upstream's ratcheting: a rule that was added later stops no other change.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { invalid, maxCauses, required, tooMany } from '../validation/causes';
import { embeddedCauses } from './embedded-resource';
import { itemFinder, repeatedItems } from './list-keys';
import { maxSteps } from './pattern/pattern';
import { enumCauses, noField, numberCauses, textCauses, typeCause } from './scalar-rules';
import { isSchema } from './walk';

/** Visits of a value with a schema: 20,000 fields with many alternatives each would hold the event loop. */
export const maxVisits = 200_000;
/** Characters of messages: each may print a large value or enum. */
const maxText = 1_000_000;

export interface ValueOptions {
  /** The field that holds the value: fields of causes begin with it. Messages name the path inside the value only, as upstream. */
  readonly field?: string;
  /** The value that this one replaces. */
  readonly old?: unknown;
}

export function validateValue(
  value: unknown,
  schema: Definition,
  { field = '', old }: ValueOptions = {},
): FieldCause[] {
  const work = new Validation();
  const { causes } = work.check(value, old, schema, '');
  const fieldOf = (path: string) =>
    path === noField || path === '' ? field || noField : field === '' ? path : `${field}.${path}`;
  if (work.isExhausted) return [invalid(fieldOf(''), '', 'the rules of the schema cost too much for this object')];
  return causes.map((cause) => ({ ...cause, field: fieldOf(cause.field) }));
}

/** What the checks of one value found. */
interface Outcome {
  readonly causes: readonly FieldCause[];
  /** Also false when the causes were left out because there are many. */
  readonly isValid: boolean;
  /** How many checks were made: among failed alternatives the one with the most is reported. */
  readonly checks: number;
  /** It was compared with its old value and differs: then the values around it differ, too, and need no comparison. */
  readonly isChanged: boolean;
}

class Findings {
  readonly causes: FieldCause[] = [];
  isValid = true;
  isChanged = false;
  checks = 1;

  constructor(private readonly room: { text: number }) {}

  add(causes: readonly FieldCause[]): void {
    for (const cause of causes) {
      this.isValid = false;
      if (this.causes.length >= maxCauses || this.room.text < 0) return;
      this.room.text -= cause.message.length;
      this.causes.push(cause);
    }
  }

  merge({ causes, isValid, checks, isChanged }: Outcome): void {
    if (!isValid) this.isValid = false;
    if (isChanged) this.isChanged = true;
    for (const cause of causes) if (this.causes.length < maxCauses) this.causes.push(cause);
    this.checks += checks;
  }
}

class Validation {
  private visits = 0;
  private readonly room = { text: maxText };
  private readonly steps = { left: maxSteps };

  get isExhausted(): boolean {
    return this.visits > maxVisits || this.steps.left === 0;
  }

  check(value: unknown, old: unknown, schema: Definition, path: string): Outcome {
    const found = new Findings(this.room);
    if (++this.visits > maxVisits || this.steps.left === 0) return found;
    found.add(typeCauses(value, schema, path));
    // Of null only the type and the enum are checked.
    if (value !== null) {
      this.combined(value, schema, path, found);
      if (typeof value === 'string') {
        // A long text costs as many visits as it has pieces of this length.
        this.visits += value.length >> 6;
        found.add(textCauses(value, schema, path, this.steps));
      } else if (typeof value === 'number' || typeof value === 'bigint') found.add(numberCauses(value, schema, path));
      else if (Array.isArray(value)) this.list(value, old, schema, path, found);
    }
    found.add(enumCauses(value, schema, path));
    if (isRecord(value)) this.object(value, old, schema, path, found);
    if (found.isValid || old === undefined || found.isChanged) return found;
    found.isChanged = !isDeepStrictEqual(value, old);
    return found.isChanged ? found : { causes: [], isValid: true, isChanged: false, checks: found.checks };
  }

  /** allOf, anyOf, oneOf and not. Upstream's errors about them have no path; the errors of the best alternative follow. */
  private combined(value: unknown, { allOf, anyOf, oneOf, not }: Definition, path: string, found: Findings): void {
    const name = JSON.stringify(path);
    const fail = (message: string) => found.add([invalid(noField, '', message)]);
    const each = (schemas: readonly Definition[]) => schemas.map((one) => this.check(value, undefined, one, path));
    const best = (all: readonly Outcome[]) => {
      const most = all.reduce((a, b) => (b.checks > a.checks ? b : a));
      if (!most.isValid) found.merge(most);
    };
    if (anyOf?.length) {
      const all = each(anyOf);
      if (!all.some(isValid)) {
        fail(`${name} must validate at least one schema (anyOf)`);
        best(all);
      }
    }
    if (oneOf?.length) {
      const all = each(oneOf);
      const valid = all.filter(isValid).length;
      const count = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      if (valid !== 1) fail(`${name} must validate one and only one schema (oneOf). ${count}`);
      if (valid === 0) best(all);
    }
    if (allOf?.length) {
      const all = each(allOf);
      const valid = all.filter(isValid).length;
      for (const outcome of all) found.merge(outcome);
      if (valid < all.length)
        fail(`${name} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
    }
    if (not && isValid(this.check(value, undefined, not, path))) fail(`${name} must not validate the schema (not)`);
  }

  private list(list: readonly unknown[], old: unknown, schema: Definition, path: string, found: Findings): void {
    const { items, maxItems, minItems } = schema;
    if (isSchema(items)) {
      const find = itemFinder(old, schema);
      list.forEach((item, i) => {
        found.merge(this.check(item, find?.(item), items, `${path}[${i}]`));
      });
    }
    if (maxItems !== undefined && list.length > maxItems) found.add([tooMany(path, list.length, maxItems)]);
    if (minItems !== undefined && list.length < minItems) {
      found.add([invalid(path, list.length, `${path} in body should have at least ${minItems} items`)]);
    }
    const repeated = repeatedItems(list, schema, path);
    const wasWrong = repeated.length > 0 && Array.isArray(old) && repeatedItems(old, schema, path).length > 0;
    if (!wasWrong) found.add(repeated);
  }

  private object(
    object: Record<string, unknown>,
    old: unknown,
    schema: Definition,
    path: string,
    found: Findings,
  ): void {
    const {
      properties = {},
      additionalProperties: values,
      required: names = [],
      maxProperties,
      minProperties,
    } = schema;
    const keys = Object.keys(object);
    if (maxProperties !== undefined && keys.length > maxProperties) {
      found.add([tooMany(path, keys.length, maxProperties)]);
    }
    if (minProperties !== undefined && keys.length < minProperties) {
      found.add([invalid(path, keys.length, `${path} in body should have at least ${minProperties} properties`)]);
    }
    const before = typeof old === 'object' && old !== null ? (old as Record<string, unknown>) : {};
    for (const key of keys) {
      const inner = Object.hasOwn(properties, key) ? properties[key] : isSchema(values) ? values : undefined;
      if (!inner) continue;
      const previous = Object.hasOwn(before, key) ? before[key] : undefined;
      found.merge(this.check(object[key], previous, inner, childPath(path, key)));
    }
    this.visits += names.length >> 3;
    for (const key of names) if (!Object.hasOwn(object, key)) found.add([required(childPath(path, key))]);
    if (schema['x-kubernetes-embedded-resource']) found.add(embeddedCauses(object, path));
  }
}

const childPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isValid = (outcome: Outcome): boolean => outcome.isValid;

function typeCauses(value: unknown, schema: Definition, path: string): FieldCause[] {
  const { nullable, 'x-kubernetes-int-or-string': isEither } = schema;
  const type = isEither ? 'integer,string' : schema.type;
  if (!type || (value === null && nullable)) return [];
  const name = nameOf(value);
  if (name === type || (name === 'integer' && type === 'number')) return [];
  if (isEither && (name === 'integer' || name === 'string')) return [];
  const { format } = schema;
  // As upstream: with a format in the schema, numbers, booleans and objects are named by their own formats.
  if (!format || name === 'string' || name === 'array' || name === 'null') return [typeCause(path, name, type, name)];
  const found = goFormats[name] ?? '';
  return found === format ? [typeCause(path, name, type, name)] : [typeCause(path, found, format, found)];
}

/** The formats that upstream gives to JSON's numbers. */
const goFormats: Readonly<Record<string, string>> = { integer: 'int64', number: 'float64' };

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  return isInteger ? 'integer' : typeof value;
}
