// The type that the expression of a mutation must have.

/** As the library names types. */
export const patchResult = (patchType: string | undefined): string =>
  patchType === 'JSONPatch' ? 'list<JSONPatch>' : 'Object';
