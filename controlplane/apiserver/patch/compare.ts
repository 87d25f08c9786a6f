// Which fields differ between two objects, by the schema of their kind. A container that one side lacks counts as a field itself, as in
// structured-merge-diff, so that a new map has the mark `.` in managedFields. Pure.
import { type FieldPlan, fieldOf, formOf, type ValuePlan } from './field-plan';
import { type FieldTree, member, self } from './field-tree';
import { type Json, type JsonObject, jsonEqual } from './json';
import { elementKey } from './typed';

/** Each set is absent when it is empty. */
export interface Comparison {
  /** Fields that `after` adds, or has with another value. */
  readonly changed: FieldTree | undefined;
  /** Fields that only `before` has. */
  readonly removed: FieldTree | undefined;
}

type Building = Record<string, FieldTree>;

const emptyObject: JsonObject = Object.freeze({});
const emptyList: Json[] = [];

/** Undefined when no field differs. */
export function compare(before: Json, after: Json, plan: ValuePlan): Comparison | undefined {
  if (before === after) return undefined;
  const form = formOf(plan, after);
  if (form === 'leaf' || form !== formOf(plan, before)) {
    return jsonEqual(before, after) ? undefined : { changed: member, removed: undefined };
  }
  if (form === 'object') return compareObjects(before as JsonObject, after as JsonObject, plan);
  if (jsonEqual(before, after)) return undefined;
  return form === 'set'
    ? compareSets(before as Json[], after as Json[])
    : compareKeyed(before as Json[], after as Json[], plan);
}

/** The comparison of one object or list while it is made. */
class Differences implements Comparison {
  changed: Building | undefined;
  removed: Building | undefined;

  change(element: string, fields: FieldTree | undefined): void {
    if (!fields) return;
    this.changed ??= {};
    this.changed[element] = fields;
  }
  remove(element: string, fields: FieldTree | undefined): void {
    if (!fields) return;
    this.removed ??= {};
    this.removed[element] = fields;
  }
  take(element: string, inner: Comparison | undefined): void {
    this.change(element, inner?.changed);
    this.remove(element, inner?.removed);
  }
  get result(): Comparison | undefined {
    return this.changed || this.removed ? this : undefined;
  }
}

function compareObjects(before: JsonObject, after: JsonObject, plan: ValuePlan): Comparison | undefined {
  const found = new Differences();
  for (const name in after) {
    const next = after[name];
    const last = Object.hasOwn(before, name) ? before[name] : undefined;
    // Null means that the field is not set.
    if (next === last || next === undefined || next === null) continue;
    const field = fieldOf(plan, name);
    if (!field) continue;
    if (last !== undefined && last !== null) found.take(field.element, compare(last, next, field.value));
    else if (field.always) found.take(field.element, compareWithZero(next, field, 'changed'));
    else found.change(field.element, fieldsOf(next, field.value));
  }
  for (const name in before) {
    const last = before[name];
    const next = Object.hasOwn(after, name) ? after[name] : undefined;
    if (last === undefined || last === null || (next !== undefined && next !== null)) continue;
    const field = fieldOf(plan, name);
    if (!field) continue;
    if (field.always) found.take(field.element, compareWithZero(last, field, 'removed'));
    else found.remove(field.element, fieldsOf(last, field.value));
  }
  return found.result;
}

/** A field that Go always has, where one side does not write it: that side has Go's zero. */
function compareWithZero(value: Json, { value: plan }: FieldPlan, as: 'changed' | 'removed'): Comparison | undefined {
  if (value === 0 || value === '' || value === false) return undefined;
  const form = formOf(plan, value);
  if (form === 'leaf') return { changed: member, removed: undefined };
  const zero = form === 'object' ? emptyObject : emptyList;
  return as === 'changed' ? compare(zero, value, plan) : compare(value, zero, plan);
}

function compareSets(before: readonly Json[], after: readonly Json[]): Comparison | undefined {
  const found = new Differences();
  const last = new Set(before.map(valueElement));
  const next = new Set(after.map(valueElement));
  for (const element of next) if (!last.has(element)) found.change(element, member);
  for (const element of last) if (!next.has(element)) found.remove(element, member);
  return found.result;
}

const valueElement = (value: Json): string => `v:${JSON.stringify(value)}`;

function compareKeyed(before: readonly Json[], after: readonly Json[], plan: ValuePlan): Comparison | undefined {
  const found = new Differences();
  const last = byKey(before, plan);
  const next = byKey(after, plan);
  for (const [element, items] of next) {
    const others = last.get(element);
    if (!others) found.change(element, fieldsOfElement(items, plan));
    else if (items.length === 1 && others.length === 1) found.take(element, compare(others[0]!, items[0]!, plan.item!));
    else if (!jsonEqual(items, others)) found.change(element, member);
  }
  for (const [element, items] of last) if (!next.has(element)) found.remove(element, fieldsOfElement(items, plan));
  return found.result;
}

/** Elements by their key: more than one where an object has the same key twice, which some lists may. */
function byKey(list: readonly Json[], { schema }: ValuePlan): Map<string, Json[]> {
  const found = new Map<string, Json[]>();
  for (const item of list) {
    const key = elementKey(item, schema!);
    const same = found.get(key);
    if (same) same.push(item);
    else found.set(key, [item]);
  }
  return found;
}

/** Elements with the same key do not divide. */
const fieldsOfElement = (items: readonly Json[], { item }: ValuePlan): FieldTree =>
  items.length === 1 ? fieldsOf(items[0]!, item!) : member;

/** All fields of a new value, and the value itself. */
export const fieldsOf = (value: Json, plan: ValuePlan): FieldTree => treeOf(value, plan, 'all', true) ?? member;

/**
 * The fields that an applied configuration sets: containers are not among them, except empty ones, elements of lists, and values of
 * maps.
 */
export const appliedFields = (value: JsonObject, plan: ValuePlan): FieldTree | undefined =>
  treeOf(value, plan, 'applied', false);

type Which = 'all' | 'applied';

/** `own` is true when the value is a field itself. */
function treeOf(value: Json, plan: ValuePlan, which: Which, own: boolean): FieldTree | undefined {
  const form = formOf(plan, value);
  if (form === 'leaf') return member;
  if (form === 'object') return treeOfObject(value as JsonObject, plan, which, own);
  const list = value as Json[];
  if (list.length === 0) return own ? member : undefined;
  const tree = startOf(own);
  if (form === 'set') {
    for (const item of list) tree[valueElement(item)] = member;
    return tree;
  }
  for (const [element, items] of byKey(list, plan)) {
    tree[element] = items.length === 1 ? treeOf(items[0]!, plan.item!, which, true)! : member;
  }
  return tree;
}

const startOf = (own: boolean): Building => (own ? { [self]: member } : {});

function treeOfObject(object: JsonObject, plan: ValuePlan, which: Which, own: boolean): FieldTree | undefined {
  const tree = startOf(own);
  let isEmpty = true;
  let hasFields = false;
  for (const name in object) {
    const value = object[name];
    if (value === undefined || value === null) continue;
    isEmpty = false;
    const field = fieldOf(plan, name);
    if (!field) continue;
    // A member that the type does not declare is like a value of a map.
    const isDeclared = plan.object?.fields.has(name) ?? false;
    const inner = treeOf(value, field.value, which, which === 'all' || !isDeclared);
    if (!inner) continue;
    tree[field.element] = inner;
    hasFields = true;
  }
  if (hasFields) return tree;
  return own || isEmpty ? member : undefined;
}
