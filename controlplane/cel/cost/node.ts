// The library's tree of an expression, as far as an estimate reads it.
import { writtenName } from '../renamed-calls';

export interface CheckedType {
  /** list, map, message, optional, primitive or dyn. */
  readonly kind: string;
  readonly name: string;
  readonly valueType?: CheckedType;
}

export interface Node {
  readonly op: string;
  readonly args: unknown;
  /** Absent for the parts of has(). */
  readonly checkedType?: CheckedType;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

export interface Call {
  /** With the namespace: sets.contains. */
  readonly name: string;
  readonly target: Node | undefined;
  readonly args: readonly Node[];
}

/** Names before a dot that are no value: their functions have no target. */
const namespaces = new Set(['sets', 'optional', 'cel', 'ip', 'format', 'lists', 'strings', 'jsonpatch', 'math']);

/** Undefined for a node that is no call of a function. */
export function callOf({ op, args }: Node): Call | undefined {
  if (op === 'call') {
    const [name, list] = args as [string, readonly Node[]];
    return { name, target: undefined, args: list };
  }
  if (op !== 'rcall') return undefined;
  const [name, target, list] = args as [string, Node, readonly Node[]];
  const isNamespace = target.op === 'id' && namespaces.has(String(target.args)) && isUnknownOrNamespace(target);
  if (isNamespace) return { name: `${String(target.args)}.${name}`, target: undefined, args: list };
  return { name: writtenName(name), target, args: list };
}

/** A variable may have the name of a namespace, for instance that of a comprehension. */
const isUnknownOrNamespace = ({ checkedType }: Node): boolean =>
  checkedType === undefined || (checkedType.kind === 'message' && !checkedType.name.startsWith('object'));

const scalars = new Set(['int', 'uint', 'double', 'bool', 'google.protobuf.Timestamp', 'google.protobuf.Duration']);

/** Values that have size 1. */
export const isScalar = (type: CheckedType | undefined): boolean =>
  type !== undefined &&
  (type.kind === 'optional'
    ? isScalar(type.valueType)
    : type.kind !== 'list' && type.kind !== 'map' && scalars.has(type.name));
