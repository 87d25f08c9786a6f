// The objects of a what-if come from a person, and no API server has checked them. Their words become rules, which nft reads as root to print
// them: a quote or a line end in a name could let it read a file. So text that no checked object has there is refused. Pure.
import { BadRequest } from '../../controlplane/base/errors';
import type { HopWhatIf } from '../../controlplane/base/hops';

/** What ends a statement of nft or begins another: names, addresses, ranges, labels and protocols have none of them. */
const special = /["'`;{}\\$=#<>*|&!()[\],@]|[^ -~]/;
const maxDepth = 20;

/** @throws BadRequest that names the place */
export function checkWhatIf(whatIf: HopWhatIf): void {
  visit(whatIf, 'whatIf', 0);
}

function visit(value: unknown, place: string, depth: number): void {
  if (depth > maxDepth) throw new BadRequest(`${place}: the objects are nested too deeply`);
  if (typeof value === 'string') check(value, place);
  else if (Array.isArray(value)) for (const [i, one] of value.entries()) visit(one, `${place}[${i}]`, depth + 1);
  else if (value !== null && typeof value === 'object') {
    for (const [key, one] of Object.entries(value)) {
      check(key, place);
      visit(one, `${place}.${key}`, depth + 1);
    }
  }
}

function check(text: string, place: string): void {
  const [found] = special.exec(text) ?? [];
  if (found !== undefined)
    throw new BadRequest(
      `${place}: ${JSON.stringify(text.slice(0, 100))} has the character ${JSON.stringify(found)}, which no name, address, port or label has`,
    );
}
