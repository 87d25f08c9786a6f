// What strict decoding finds in a body: unknown fields and fields given twice, in the order in which kube-apiserver names them.
import { scanFields } from './duplicates';

/** More findings than this are cut off, as upstream does. */
const maxFindings = 100;

/**
 * `unknown` are the paths of unknown fields in the order of the decoded object; `json` is the text it was read from, absent
 * for the outcome of a patch, whose keys upstream sorts.
 */
export function strictFindings(unknown: readonly string[], json: string | undefined): string[] {
  const findings = json === undefined ? [...unknown].sort().map(unknownField) : inOrderOf(json, unknown);
  return findings.slice(0, maxFindings);
}

/** The one error that strict decoding makes of all findings. */
export const strictError = (findings: readonly string[]): string => `strict decoding error: ${findings.join(', ')}`;

export const duplicateField = (path: string): string => `duplicate field ${JSON.stringify(path)}`;
const unknownField = (path: string): string => `unknown field ${JSON.stringify(path)}`;

/** Fields below an unknown one are never decoded, and an unknown one given twice is only unknown. */
function inOrderOf(json: string, unknown: readonly string[]): string[] {
  const strange = new Set(unknown);
  const texts = new Set<string>();
  let duplicates = 0;
  scanFields(json, (path, isDuplicate) => {
    // Paths are built only where they may be needed.
    if (!isDuplicate && strange.size === 0) return;
    const field = path();
    if (strange.has(field)) texts.add(unknownField(field));
    else if (isDuplicate && !isBelow(field, strange)) {
      duplicates++;
      texts.add(duplicateField(field));
    }
  });
  // Most bodies have no duplicates: their unknown fields stand in the decoder's order already.
  return duplicates === 0 ? unknown.map(unknownField) : [...texts];
}

function isBelow(field: string, ancestors: ReadonlySet<string>): boolean {
  for (let at = field.search(/[.[]/); at >= 0; ) {
    if (ancestors.has(field.slice(0, at))) return true;
    const next = field.slice(at + 1).search(/[.[]/);
    at = next < 0 ? -1 : at + 1 + next;
  }
  return false;
}
