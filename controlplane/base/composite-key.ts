// Map keys of several texts. With a separator, ['a/b'] and ['a', 'b'] would give the same key. Here each text carries its
// length, so two lists of texts have the same key only when they are equal.

/** Distinct for distinct lists, whatever the texts contain. */
export function compositeKey(...parts: readonly string[]): string {
  let key = '';
  for (const part of parts) key += `${part.length}:${part}`;
  return key;
}
