// The findings of strict decoding in a body: unknown and duplicate fields, in kube-apiserver's order.
import { maxFindings } from './compile';
import { scanFields } from './duplicates';

/**
 * `unknown` are the paths of unknown fields in the order of the decoded object; `json` is its text, absent for the result of a
 * patch, whose keys upstream sorts.
 */
export function strictFindings(unknown: readonly string[], json: string | undefined): string[] {
  const findings = json === undefined ? [...unknown].sort().map(unknownField) : inOrderOf(json, unknown);
  return findings.slice(0, maxFindings);
}

/**
 * The same of a custom object: the text was read without a schema, so all duplicate fields come first, and those of metadata have a
 * schema of their own.
 */
export function customFindings(unknown: readonly string[], json: string | undefined): string[] {
  const duplicates: string[] = [];
  scanFields(json ?? '', (path, isDuplicate) => {
    if (isDuplicate && duplicates.length < maxFindings) duplicates.push(duplicateField(path()));
  });
  const sorted = [...unknown].sort();
  const ofMetadata = (path: string) => path.startsWith('metadata.');
  const others = [...sorted.filter(ofMetadata), ...sorted.filter((path) => !ofMetadata(path))];
  return [...duplicates, ...others.map(unknownField)].slice(0, maxFindings);
}

/** The single error with all findings. */
export const strictError = (findings: readonly string[]): string => `strict decoding error: ${findings.join(', ')}`;

export const duplicateField = (path: string): string => `duplicate field ${JSON.stringify(path)}`;
const unknownField = (path: string): string => `unknown field ${JSON.stringify(path)}`;

/** Fields below an unknown field are never decoded, and a duplicate unknown field is reported only as unknown. */
function inOrderOf(json: string, unknown: readonly string[]): string[] {
  const strange = new Set(unknown);
  const longest = Math.max(0, ...unknown.map((path) => path.length));
  const texts = new Set<string>();
  scanFields(json, (path, isDuplicate) => {
    // Build paths only if they may be needed.
    if ((!isDuplicate && strange.size === 0) || texts.size === maxFindings) return;
    const field = path();
    // Hashing a path of megabytes for each of many keys would take minutes.
    if (field.length <= longest && strange.has(field)) texts.add(unknownField(field));
    else if (isDuplicate && !isBelow(field, strange)) {
      texts.add(duplicateField(field));
    }
  });
  return [...texts];
}

function isBelow(field: string, ancestors: ReadonlySet<string>): boolean {
  for (const ancestor of ancestors) {
    const next = field[ancestor.length];
    if ((next === '.' || next === '[') && field.startsWith(ancestor)) return true;
  }
  return false;
}
