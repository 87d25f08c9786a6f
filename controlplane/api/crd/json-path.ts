// The simple JSON paths of CustomResourceDefinitions: `.spec.replicas`, with `['key']`, `[0]` and `[?(@.type=="Ready")]` for printer
// columns, as a list of steps. No step searches more than one list, so reading a path costs what it returns.

type Step =
  | { readonly key: string }
  | { readonly index: number }
  | { readonly all: true }
  | { readonly path: readonly string[]; readonly equals: unknown };

export type JsonPath = readonly Step[];

const keyStep = /\.((?:[^.[\]'"\\(){}\s]|\\.)+)|\[\s*'((?:[^'\\]|\\.)*)'\s*\]|\[\s*"((?:[^"\\]|\\.)*)"\s*\]/y;
const indexStep = /\[\s*(-?\d+)\s*\]/y;
const allStep = /\[\s*\*\s*\]|\.\*/y;
const filterStep =
  /\[\?\(\s*@((?:\.[A-Za-z0-9_-]+)+)\s*==\s*(?:'([^']*)'|"([^"]*)"|(true|false|-?\d+(?:\.\d+)?))\s*\)\]/y;

/** Undefined for a text that is no such path. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found;
  };
  if (text === '.') return [];
  while (at < text.length) {
    const all = next(allStep);
    if (all) {
      steps.push({ all: true });
      continue;
    }
    const key = next(keyStep);
    if (key) {
      steps.push({ key: (key[1] ?? key[2] ?? key[3]!).replaceAll(/\\(.)/g, '$1') });
      continue;
    }
    const index = next(indexStep);
    if (index) {
      steps.push({ index: Number(index[1]) });
      continue;
    }
    const filter = next(filterStep);
    if (!filter) return undefined;
    const equals = filter[2] ?? filter[3] ?? (JSON.parse(filter[4]!) as unknown);
    steps.push({ path: filter[1]!.slice(1).split('.'), equals });
  }
  return steps;
}

/** All values at the path, none when it leads nowhere. `count` is called with the length of each list that is searched. */
export function readJsonPath(object: unknown, path: JsonPath, count: (length: number) => void = () => {}): unknown[] {
  let values: unknown[] = [object];
  for (const step of path) {
    values = values.flatMap((value) => {
      if (Array.isArray(value) && 'path' in step) count(value.length);
      return follow(value, step);
    });
    if ('all' in step) count(values.length);
  }
  return values;
}

function follow(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('key' in step) return Object.hasOwn(value, step.key) ? [(value as Record<string, unknown>)[step.key]] : [];
  if ('all' in step) return Object.values(value);
  if (!Array.isArray(value)) return [];
  const items: unknown[] = value;
  if ('index' in step) {
    const at = step.index < 0 ? items.length + step.index : step.index;
    return at in items ? [items[at]] : [];
  }
  return items.filter(
    (item) =>
      readJsonPath(
        item,
        step.path.map((key) => ({ key })),
      )[0] === step.equals,
  );
}
