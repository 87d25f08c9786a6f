// What the comparison of objects needs from a schema, prepared once per type: the path element of each field, how its value divides
// into fields, and whether Go always has the field.
import { type KeptMetadata, writesStatus } from '../../api/kind';
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { isValueField } from '../protobuf/value-fields';
import { isObject, type Json } from './json';
import { deduced } from './typed';

/** How a value divides into fields. */
type Form = 'leaf' | 'object' | 'map' | 'keyed' | 'set';

export interface ValuePlan {
  readonly form: Form;
  readonly schema: FieldSchema | undefined;
  /** Of form object. */
  readonly object?: ObjectPlan;
  /** The elements of a keyed list, the values of a map. */
  readonly item?: ValuePlan;
}
export interface FieldPlan {
  readonly element: string;
  readonly value: ValuePlan;
  /**
   * Go has a value of this field in each object of the type: a struct that is no pointer, or a field that is always written. So
   * the field itself never is a new one, as far as its object is not.
   */
  readonly always: boolean;
}
export interface ObjectPlan {
  /** Null for a field without owners. */
  readonly fields: Map<string, FieldPlan | null>;
  /** Of fields that the type does not have. */
  readonly others: ValuePlan | undefined;
}

const leaf: ValuePlan = { form: 'leaf', schema: undefined };
const deducedPlan: { form: 'map'; schema: FieldSchema; item?: ValuePlan } = { form: 'map', schema: deduced };
deducedPlan.item = deducedPlan;

/** The parts of a kind on which ownership depends. */
export interface OwnedKind {
  readonly apiVersion: string;
  readonly options: { readonly hasStatus?: boolean; readonly statusKeeps?: readonly KeptMetadata[] };
}

/** Metadata without owners: it identifies the object, or only the server sets it. */
const unownedMetadata = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'selfLink',
  'managedFields',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

const objectPlans = new WeakMap<ObjectSchema, ObjectPlan>();
/** By kind: the plans for writes of the object and of its status. */
const rootPlans = new WeakMap<OwnedKind, { readonly schema: ObjectSchema; object?: ValuePlan; status?: ValuePlan }>();

/** The fields of objects of `kind` that writers of this subresource can own. */
export function rootPlan(kind: OwnedKind, schema: ObjectSchema, subresource: string): ValuePlan {
  let plans = rootPlans.get(kind);
  if (plans?.schema !== schema) {
    plans = { schema };
    rootPlans.set(kind, plans);
  }
  if (writesStatus(kind, subresource)) {
    plans.status ??= makeRootPlan(kind, schema, true);
    return plans.status;
  }
  plans.object ??= makeRootPlan(kind, schema, false);
  return plans.object;
}

function makeRootPlan({ options }: OwnedKind, schema: ObjectSchema, status: boolean): ValuePlan {
  const whole = objectPlan(schema);
  const fields = new Map(whole.fields);
  fields.set('apiVersion', null).set('kind', null);
  if (options.hasStatus) {
    // A write of the object keeps the status, and a write of the status keeps the rest.
    for (const name of fields.keys()) if (name !== 'metadata' && (name === 'status') !== status) fields.set(name, null);
  }
  const metadata = fields.get('metadata');
  if (metadata) fields.set('metadata', ownedMetadata(metadata, status ? (options.statusKeeps ?? []) : []));
  const others = options.hasStatus && status ? undefined : whole.others;
  return { form: 'object', schema: { type: 'object', object: schema }, object: { fields, others } };
}

function ownedMetadata(metadata: FieldPlan, kept: readonly KeptMetadata[]): FieldPlan {
  const { object } = metadata.value;
  if (!object) return metadata;
  const fields = new Map(object.fields);
  for (const name of [...unownedMetadata, ...kept]) fields.set(name, null);
  return { ...metadata, always: true, value: { ...metadata.value, object: { fields, others: undefined } } };
}

function objectPlan(schema: ObjectSchema): ObjectPlan {
  const known = objectPlans.get(schema);
  if (known) return known;
  const fields = new Map<string, FieldPlan | null>();
  const plan: ObjectPlan = { fields, others: schema.open ? deducedPlan : leaf };
  // Before its fields: a type may contain itself.
  objectPlans.set(schema, plan);
  for (const [name, field] of Object.entries(schema.fields)) {
    fields.set(name, { element: `f:${name}`, value: valuePlan(field), always: isAlways(schema, name, field) });
  }
  return plan;
}

/** Lists that Go writes even when they are empty. Lists that are atomic are not here, since it makes no difference for them. */
const writtenLists: ReadonlySet<string> = new Set([
  'io.k8s.api.core.v1.PodSpec.containers',
  'io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement.values',
  'io.k8s.api.storage.v1.CSINodeSpec.drivers',
]);

function isAlways(
  { name: type = '', unstructured, required }: ObjectSchema,
  name: string,
  field: FieldSchema,
): boolean {
  if (unstructured) return false;
  if (field.type === 'array' || field.type === 'map') return writtenLists.has(`${type}.${name}`);
  // Most scalars that must be set are written even when they are zero.
  return isValueField(type, name) || (field.type !== 'object' && (required?.includes(name) ?? false));
}

function valuePlan(schema: FieldSchema | undefined): ValuePlan {
  if (!schema) return leaf;
  const { type, items, object } = schema;
  if (type === 'array') {
    if (schema.listType === 'map') return { form: 'keyed', schema, item: valuePlan(items) };
    return { form: schema.listType === 'set' ? 'set' : 'leaf', schema };
  }
  if (schema.mapType === 'atomic') return { form: 'leaf', schema };
  if (type === 'map') return { form: 'map', schema, item: valuePlan(items) };
  if (!object || (object.atomic && schema.mapType !== 'granular')) return { form: 'leaf', schema };
  return { form: 'object', schema, object: objectPlan(object) };
}

/** The form that this value has: one of another type than its schema's does not divide. */
export function formOf({ form }: ValuePlan, value: Json): Exclude<Form, 'map'> {
  if (form === 'leaf') return 'leaf';
  if (form === 'keyed' || form === 'set') return Array.isArray(value) ? form : 'leaf';
  return isObject(value) ? 'object' : 'leaf';
}

/** The plan of a member of an object or map; null or undefined for one without owners. */
export function fieldOf({ object, item }: ValuePlan, name: string): FieldPlan | null | undefined {
  if (object) {
    const field = object.fields.get(name);
    if (field !== undefined) return field;
    return object.others && { element: `f:${name}`, value: object.others, always: false };
  }
  return { element: `f:${name}`, value: item ?? leaf, always: false };
}
