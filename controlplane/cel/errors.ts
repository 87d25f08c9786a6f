// What can be wrong with an expression or its evaluation, in the words of cel-go, which clients of Kubernetes see.

/** The expression is not valid for its variables. `message` has the place: ERROR: <input>:1:5: undefined field 'x'. */
export class CelCompileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelCompileError';
  }
}

/** The expression failed on this object: no such key, division by zero. */
export class CelEvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelEvaluationError';
  }
}

/** As cel-go prints an error: the place, the message, the line, and a mark below it. `start` is an offset into the expression. */
export function renderCompileError(expression: string, start: number, summary: string): string {
  // Its parser has no line in an empty text.
  if (expression === '') return `ERROR: <input>:1:0: ${summary}`;
  const before = expression.slice(0, start);
  const line = before.split('\n').length;
  const column = start - (before.lastIndexOf('\n') + 1);
  const text = expression.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column + 1}: ${summary}\n | ${text}\n | ${'.'.repeat(column)}^`;
}
