// Map keys of several texts. Texts joined by a separator are the same key as other texts that contain the separator; here
// each text carries its length, so two lists of texts have the same key only when they are equal.

/** Distinct for distinct lists, whatever the texts contain. */
export function compositeKey(...parts: readonly string[]): string {
  let key = '';
  for (const part of parts) key += `${part.length}:${part}`;
  return key;
}
