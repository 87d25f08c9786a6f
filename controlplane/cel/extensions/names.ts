// Names of the types of values, as Go prints them.

/** Undefined for a map. */
export function celTypeName(value: object): string | undefined {
  return Object.getPrototypeOf(value) === Object.prototype || value instanceof Map ? undefined : value.constructor.name;
}
