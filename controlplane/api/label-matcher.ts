// The requirements of a label selector, and a long selector compiled for many objects: requirements are merged by key, so the cost
// per object depends only on its number of labels. A user may send thousands of requirements, and a list tests thousands of objects.

export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}
/** All requirements must hold; an empty list matches everything. */
export type Selector = readonly Requirement[];
export type Labels = Readonly<Record<string, string>>;

const integer = /^[+-]?\d{1,19}$/;
const maxInt64 = (1n << 63n) - 1n;

/** A label's value as upstream compares it: a signed 64-bit integer, undefined for any other text. */
function int64(text: string): bigint | undefined {
  if (!integer.test(text)) return undefined;
  const value = BigInt(text);
  return value > maxInt64 || value < -maxInt64 - 1n ? undefined : value;
}

export function isGreater(left: string, right: string): boolean {
  const [a, b] = [int64(left), int64(right)];
  return a !== undefined && b !== undefined && a > b;
}

/** All requirements of a selector on one key. */
class KeyRule {
  /** True when an object without the key does not match. */
  required = false;
  private forbidden = false;
  private among: Set<string> | undefined;
  private readonly except = new Set<string>();
  private readonly above: string[] = [];
  private readonly below: string[] = [];

  add({ operator, values }: Requirement): void {
    if (operator === 'DoesNotExist') this.forbidden = true;
    else if (operator === 'NotIn') for (const value of values) this.except.add(value);
    else this.require(operator, values);
  }

  allows(value: string): boolean {
    return (
      !this.forbidden &&
      (this.among?.has(value) ?? true) &&
      !this.except.has(value) &&
      this.above.every((bound) => isGreater(value, bound)) &&
      this.below.every((bound) => isGreater(bound, value))
    );
  }

  private require(operator: Requirement['operator'], values: readonly string[]): void {
    this.required = true;
    if (operator === 'In') {
      const wanted = new Set(values);
      const { among } = this;
      this.among = among ? new Set([...among].filter((value) => wanted.has(value))) : wanted;
    } else if (operator === 'Gt') keepStrictest(this.above, values[0] ?? '0', isGreater);
    else if (operator === 'Lt') keepStrictest(this.below, values[0] ?? '0', (a, b) => isGreater(b, a));
  }
}

/** Keeps one bound, the strictest. A bound that is not a number is also kept: no value matches it. */
function keepStrictest(bounds: string[], bound: string, isStricter: (a: string, b: string) => boolean): void {
  const [first] = bounds;
  if (first === undefined || (int64(first) !== undefined && int64(bound) === undefined)) bounds.splice(0, 1, bound);
  else if (isStricter(bound, first)) bounds[0] = bound;
}

export class LabelMatcher {
  private readonly rules = new Map<string, KeyRule>();
  private readonly required: number;

  constructor(selector: Selector) {
    for (const requirement of selector) {
      let rule = this.rules.get(requirement.key);
      if (!rule) {
        rule = new KeyRule();
        this.rules.set(requirement.key, rule);
      }
      rule.add(requirement);
    }
    this.required = [...this.rules.values()].filter(({ required }) => required).length;
  }

  matches(labels: Labels): boolean {
    const keys = Object.keys(labels);
    if (keys.length < this.required) return false;
    let found = 0;
    for (const key of keys) {
      const rule = this.rules.get(key);
      if (!rule) continue;
      if (!rule.allows(labels[key]!)) return false;
      if (rule.required) found++;
    }
    return found === this.required;
  }
}
