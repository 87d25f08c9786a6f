// How large the value of a variable can be, and the values in it.

/** The size of a value: the bytes of a text, the items of a list, the entries of a map; 0 for numbers, booleans and objects. */
export interface SizedType {
  readonly maxElements: number;
  /** Items of a list, values of a map. */
  readonly element?: SizedType;
  /** Keys of a map. */
  readonly key?: SizedType;
  readonly isObject: boolean;
  /** By the name that expressions use. */
  field(name: string): SizedType | undefined;
}

/** Steps from a value to the values in it, in addition to the names of fields. */
export const steps = { item: '@items', index: '@indices', key: '@keys', value: '@values' } as const;

/** The type at the end of a path; its first step is the name of a variable, whose type is `root`. */
export function typeAt(root: SizedType, path: readonly string[]): SizedType | undefined {
  if (path.length === 0) return undefined;
  let type: SizedType | undefined = root;
  for (const step of path.slice(1)) {
    if (step === steps.item || step === steps.value) type = type.element;
    else if (step === steps.key) type = type.key;
    else type = type.field(step);
    if (!type) return undefined;
  }
  return type;
}
