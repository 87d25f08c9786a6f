// Estimates what an expression costs at most, from the sizes that the schema allows: upstream's cost model. Kubernetes refuses rules that
// could cost too much when they are written. Pure.
//
// Macros cost what their loops cost: range.all(x, e) tests and combines a result for each element.
import { type CallCost, callCost, comparisonCost, concatenation, type Operand, readCost, sorting } from './call-costs';
import { type Call, type CheckedType, callOf, isNode, isScalar, type Node } from './node';
import { add, exactly, multiply, nothing, type Range, union, unknown } from './range';
import { type SizedType, steps, typeAt } from './sizes';

const readCostOfName = exactly(1);
const newList = exactly(10);
const newMap = exactly(30);

/** The sizes of the keys and values of a list or map. */
interface Entries {
  readonly key: Range;
  readonly value: Range;
}

/** What is known of the value of a node. */
interface Known {
  readonly cost: Range;
  readonly path?: readonly string[] | undefined;
  readonly size?: Range | undefined;
  readonly entries?: Entries | undefined;
}

interface Local {
  readonly path: readonly string[] | undefined;
  readonly size: Range | undefined;
  readonly entries: Entries | undefined;
  readonly type?: CheckedType | undefined;
}
type Locals = ReadonlyMap<string, Local>;

/** @param root the type of `self`, on which all paths begin */
export function estimateCost(expression: unknown, root: SizedType): Range {
  if (!isNode(expression)) return nothing;
  return new Estimate(root).of(expression, new Map()).cost;
}

class Estimate {
  constructor(private readonly root: SizedType) {}

  sizeAt(path: readonly string[] | undefined): Range | undefined {
    const type = path && typeAt(this.root, path);
    return type && { min: 0, max: type.maxElements };
  }

  of(node: Node, locals: Locals): Known {
    const { op, args } = node;
    switch (op) {
      case 'value':
        return { cost: nothing, size: exactly(literalSize(args)) };
      case 'id':
        return this.name(String(args), locals);
      case '.':
        return this.field(args as [Node, string], locals);
      case '.?':
        return this.optionalField(args as [Node, string], locals);
      case '[]':
      case '[?]':
        return this.element(node, args as [Node, Node], locals);
      case 'list':
        return this.list(args as readonly Node[], locals);
      case 'map':
        return this.map(args as readonly (readonly [Node, Node])[], locals);
      case '?:':
        return this.conditional(args as [Node, Node, Node], locals);
      case '&&':
      case '||': {
        const [left, right] = (args as [Node, Node]).map((one) => this.of(one, locals).cost) as [Range, Range];
        return { cost: { min: left.min, max: add(left, right).max }, size: exactly(1) };
      }
      case '!_':
      case '-_':
        return this.negation(node, locals);
      default:
        return this.operation(node, locals);
    }
  }

  private operand(node: Node, known: Known): Operand {
    return { node, path: known.path, size: this.sizeOf(node, known), type: node.checkedType };
  }

  private sizeOf({ checkedType }: Node, { size, path }: Known): Range | undefined {
    return size ?? this.sizeAt(path) ?? (isScalar(checkedType) ? exactly(1) : undefined);
  }

  private name(name: string, locals: Locals): Known {
    const local = locals.get(name);
    if (!local) return { cost: readCostOfName, path: [name] };
    const { path, entries } = local;
    const size = this.sizeAt(path) ?? (isScalar(local.type) ? exactly(1) : undefined) ?? local.size;
    return { cost: readCostOfName, path, size, entries };
  }

  private field([object, name]: [Node, string], locals: Locals): Known {
    const { cost, path } = this.of(object, locals);
    return {
      cost: this.isStructured(object, path) ? add(cost, readCostOfName) : cost,
      // As upstream, a path without a begin is counted from the root.
      path: [...(path ?? []), name],
    };
  }

  private optionalField([object]: [Node, string], locals: Locals): Known {
    return { cost: add(this.of(object, locals).cost, exactly(1)) };
  }

  /** The parts of has() have no type of their own: the path knows it. */
  private isStructured({ checkedType }: Node, path: readonly string[] | undefined): boolean {
    if (checkedType) return checkedType.kind === 'map' || checkedType.kind === 'message';
    const type = path && typeAt(this.root, path);
    return type !== undefined && (type.isObject || type.key !== undefined);
  }

  private element(node: Node, [container, index]: [Node, Node], locals: Locals): Known {
    const { cost, path, entries } = this.of(container, locals);
    const total = add(cost, this.of(index, locals).cost, exactly(1));
    if (node.op === '[?]') return { cost: total };
    const step = container.checkedType?.kind === 'list' ? steps.item : steps.value;
    const inner = [...(path ?? []), step];
    return { cost: total, path: inner, size: entries?.value ?? this.sizeOf(node, { cost: total, path: inner }) };
  }

  private list(items: readonly Node[], locals: Locals): Known {
    const known = items.map((item) => ({ item, known: this.of(item, locals) }));
    const sizes = known.map(({ item, known: one }) => this.sizeOf(item, one) ?? unknown);
    return {
      cost: add(...known.map(({ known: one }) => one.cost), newList),
      size: exactly(items.length),
      entries: { key: exactly(1), value: sizes.length === 0 ? nothing : sizes.reduce(union) },
    };
  }

  private map(pairs: readonly (readonly [Node, Node])[], locals: Locals): Known {
    const known = pairs.map((pair) => pair.map((node) => ({ node, known: this.of(node, locals) })));
    const sizes = (at: number): Range => {
      const all = known.map((pair) => this.sizeOf(pair[at]!.node, pair[at]!.known) ?? unknown);
      return all.length === 0 ? nothing : all.reduce(union);
    };
    return {
      cost: add(...known.flat().map(({ known: one }) => one.cost), newMap),
      size: exactly(pairs.length),
      entries: { key: sizes(0), value: sizes(1) },
    };
  }

  private conditional([condition, yes, no]: [Node, Node, Node], locals: Locals): Known {
    const test = this.of(condition, locals).cost;
    const [first, second] = [this.of(yes, locals), this.of(no, locals)];
    return {
      cost: add(test, union(first.cost, second.cost)),
      size: union(this.sizeOf(yes, first) ?? unknown, this.sizeOf(no, second) ?? unknown),
      entries: bothEntries(first.entries, second.entries),
    };
  }

  private negation({ op, args }: Node, locals: Locals): Known {
    const inner = args as Node;
    // A negative number is a literal.
    if (op === '-_' && inner.op === 'value') return { cost: nothing, size: exactly(1) };
    return { cost: add(this.of(inner, locals).cost, exactly(1)), size: exactly(1) };
  }

  private operation(node: Node, locals: Locals): Known {
    const call = callOf(node);
    if (!call) return this.operator(node, locals);
    return this.macro(call, locals) ?? this.call(node, call, locals);
  }

  private operator(node: Node, locals: Locals): Known {
    const parts = node.args as [Node, Node];
    if (!Array.isArray(parts) || parts.length !== 2) return { cost: exactly(1) };
    const [left, right] = parts.map((one) => this.of(one, locals)) as [Known, Known];
    const [a, b] = [this.operand(parts[0], left), this.operand(parts[1], right)];
    const operands = add(left.cost, right.cost);
    switch (node.op) {
      case '==':
      case '!=':
        return {
          cost: add(isOpaque(a) && isOpaque(b) ? exactly(1) : comparisonCost(a, b), operands),
          size: exactly(1),
        };
      case '<':
      case '<=':
      case '>':
      case '>=':
        return { cost: add(comparesTexts(a, b) ? comparisonCost(a, b) : exactly(1), operands), size: exactly(1) };
      case 'in': {
        const isMap = parts[1].checkedType?.kind === 'map';
        return { cost: add(isMap ? exactly(1) : (b.size ?? unknown), operands), size: exactly(1) };
      }
      case '+':
        return this.sum([a, b], [left, right], operands);
      default:
        return { cost: add(exactly(1), operands), size: isScalar(node.checkedType) ? exactly(1) : undefined };
    }
  }

  private sum([a, b]: [Operand, Operand], [left, right]: [Known, Known], operands: Range): Known {
    const kind = a.type?.kind === 'dyn' ? b.type : a.type;
    const size = concatenation(a, b);
    if (kind?.kind === 'list') {
      return { cost: add(exactly(1), operands), size, entries: bothEntries(left.entries, right.entries) };
    }
    if (kind && ['string', 'bytes'].includes(kind.name)) return { cost: add(readCost(size), operands), size };
    if (kind && kind.kind !== 'dyn') return { cost: add(exactly(1), operands), size: exactly(1) };
    return { cost: add(union(exactly(1), readCost(size)), operands), size };
  }

  private call(node: Node, { name, target, args }: Call, locals: Locals): Known {
    const [subject] = args;
    if (name === 'dyn' && subject) {
      const inner = this.of(subject, locals);
      return { cost: add(inner.cost, exactly(1)), size: this.sizeOf(subject, inner), entries: inner.entries };
    }
    const known = args.map((arg) => ({ arg, known: this.of(arg, locals) }));
    const receiver = target && this.of(target, locals);
    const operands = known.map(({ arg, known: one }) => this.operand(arg, one));
    const { cost, size }: CallCost = callCost(
      name,
      target && receiver && this.operand(target, receiver),
      operands,
      this,
    );
    return {
      cost: add(cost, ...known.map(({ known: one }) => one.cost), receiver?.cost ?? nothing),
      size: size ?? (isScalar(node.checkedType) ? exactly(1) : undefined),
    };
  }

  private macro({ name, target, args }: Call, locals: Locals): Known | undefined {
    const [first, second, third] = args;
    if (name === 'has' && !target && first?.op === '.')
      return { cost: this.of((first.args as [Node])[0], locals).cost, size: exactly(1) };
    // The rewritten parts of literals.
    if (name === 'k8ts_present' || name === 'k8ts_optional') return this.of(first!, locals);
    if (name === 'cel.bind' && first && second && third) {
      const value = this.of(second, locals);
      const local = {
        path: value.path,
        size: this.sizeOf(second, value),
        entries: value.entries,
        type: second.checkedType,
      };
      const result = this.of(third, withLocal(locals, String(first.args), local));
      return { ...result, cost: add(newList, value.cost, result.cost) };
    }
    if ((name === 'optMap' || name === 'optFlatMap') && target && first && second) {
      return { cost: this.optionalMapping(target, String(first.args), second, name === 'optMap', locals) };
    }
    if (name === 'sortBy' && target && first && second) return this.sortBy(target, String(first.args), second, locals);
    return target && this.comprehension(name, target, args, locals);
  }

  /** target.hasValue() ? optional.of(cel.bind(x, target.value(), mapped)) : optional.none() */
  private optionalMapping(target: Node, variable: string, mapped: Node, wrapped: boolean, locals: Locals): Range {
    const receiver = add(this.of(target, locals).cost, exactly(1));
    const local: Local = { path: undefined, size: undefined, entries: undefined, type: target.checkedType?.valueType };
    const inner = this.of(mapped, withLocal(locals, variable, local)).cost;
    const bound = add(newList, receiver, inner, wrapped ? exactly(1) : nothing);
    return add(receiver, union(bound, exactly(1)));
  }

  /** cel.bind(list, target, list.sortByKeys(list.map(x, key))) */
  private sortBy(target: Node, variable: string, key: Node, locals: Locals): Known {
    const range = this.of(target, locals);
    const size = this.sizeOf(target, range) ?? unknown;
    const local = this.variable(range, steps.item, range.entries?.value, target.checkedType?.valueType);
    const keys = multiply(size, appended(this.of(key, withLocal(locals, variable, local)).cost));
    const sorted = sorting({ size }, key.checkedType?.name);
    const cost = add(newList, range.cost, readCostOfName, readCostOfName, newList, readCostOfName, keys, sorted.cost);
    return { cost, size: sorted.size };
  }

  private comprehension(name: string, target: Node, args: readonly Node[], locals: Locals): Known | undefined {
    const loop = loopOf(name, args);
    if (!loop) return undefined;
    const range = this.of(target, locals);
    const isList = target.checkedType?.kind === 'list';
    const size = this.sizeOf(target, range) ?? unknown;
    const inner =
      loop.variables.length === 2
        ? withLocal(
            withLocal(
              locals,
              loop.variables[0]!,
              this.variable(range, isList ? steps.index : steps.key, range.entries?.key),
            ),
            loop.variables[1]!,
            this.variable(
              range,
              isList ? steps.item : steps.value,
              range.entries?.value,
              target.checkedType?.valueType,
            ),
          )
        : withLocal(
            locals,
            loop.variables[0]!,
            isList
              ? this.variable(range, steps.item, range.entries?.value, target.checkedType?.valueType)
              : this.variable(range, steps.key, range.entries?.key),
          );
    const body = loop.body ? this.of(loop.body, inner) : { cost: readCostOfName, ...inner.get(loop.variables[0]!) };
    const filter = loop.filter && this.of(loop.filter, inner).cost;
    const step = loop.step(body.cost);
    const each = filter ? add(filter, union(step, readCostOfName)) : step;
    const cost = add(range.cost, loop.init, loop.result, multiply(size, add(each, loop.test)));
    if (!loop.collects) return { cost, size: exactly(1) };
    const bodySize = (loop.body && this.sizeOf(loop.body, body)) ?? body.size ?? this.sizeAt(body.path) ?? unknown;
    return { cost, size, entries: { key: exactly(1), value: { min: 0, max: bodySize.max } } };
  }

  private variable(range: Known, step: string, size: Range | undefined, type?: CheckedType): Local {
    return { path: [...(range.path ?? []), step], size, entries: undefined, type };
  }
}

interface Loop {
  readonly variables: readonly string[];
  /** Absent: the element itself. */
  readonly body: Node | undefined;
  readonly filter?: Node | undefined;
  /** The cost of one step, from that of the body. */
  readonly step: (body: Range) => Range;
  /** Of the test before each step. */
  readonly test: Range;
  readonly init: Range;
  readonly result: Range;
  /** The result is a list or map of the bodies. */
  readonly collects: boolean;
}

/** accumulated && body: the body is not always reached. */
const combined = (body: Range): Range => ({ min: 1, max: 1 + body.max });
/** body ? accumulated + 1 : accumulated */
const counted = (body: Range): Range => add(body, { min: 1, max: 2 });
/** accumulated + [body] */
const appended = (body: Range): Range => add(body, exactly(12));
/** insert(accumulated, key, body) */
const inserted = (body: Range): Range => add(body, exactly(3));
const merged = (body: Range): Range => add(body, exactly(2));

/** Undefined for what is no loop. */
function loopOf(name: string, args: readonly Node[]): Loop | undefined {
  const names = args.map((arg) => (arg.op === 'id' ? String(arg.args) : undefined));
  const two = isPairLoop(name, args.length);
  const [first, second] = names;
  if (first === undefined || (two && second === undefined)) return undefined;
  const variables = two ? [first, second!] : [first];
  const rest = args.slice(variables.length);
  const one = rest[0];
  const base = { variables, init: nothing, test: nothing, result: readCostOfName, collects: false };
  const filtered = rest.length === 2 ? { filter: rest[0], body: rest[1] } : { body: rest[0] };
  switch (name) {
    case 'all':
      return { ...base, body: one, step: combined, test: exactly(2) };
    case 'exists':
      return { ...base, body: one, step: combined, test: exactly(3) };
    case 'exists_one':
    case 'existsOne':
      return { ...base, body: one, step: counted, result: exactly(2) };
    case 'map':
    case 'transformList':
      return { ...base, ...filtered, step: appended, init: newList, collects: true };
    case 'filter':
      return { ...base, body: undefined, filter: one, step: appended, init: newList, collects: true };
    case 'transformMap':
      return { ...base, ...filtered, step: inserted, init: newMap, collects: true };
    case 'transformMapEntry':
      return { ...base, ...filtered, step: merged, init: newMap, collects: true };
    default:
      return undefined;
  }
}

const isPairLoop = (name: string, count: number): boolean =>
  name.startsWith('transform') || (count === 3 && ['all', 'exists', 'exists_one', 'existsOne'].includes(name));

function withLocal(locals: Locals, name: string, local: Local): Locals {
  return new Map(locals).set(name, local);
}

const bothEntries = (a: Entries | undefined, b: Entries | undefined): Entries | undefined =>
  a && b && { key: union(a.key, b.key), value: union(a.value, b.value) };

/** Types whose comparison costs the same for all values. */
const opaque = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.Semver']);
const isOpaque = ({ type }: Operand): boolean => type !== undefined && opaque.has(type.name);
const ordered = new Set(['string', 'bytes', 'dyn']);
const comparesTexts = (a: Operand, b: Operand): boolean =>
  ordered.has(a.type?.name ?? 'dyn') && ordered.has(b.type?.name ?? 'dyn');

function literalSize(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  return value instanceof Uint8Array ? value.length : 1;
}
