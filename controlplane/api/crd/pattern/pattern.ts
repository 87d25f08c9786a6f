// Matches regular expressions of users without backtracking: all ways through the pattern advance together, one character of the text at
// a time (Thompson, 1968). So a match costs at most the length of the text times the size of the pattern, and this product is bounded.
import { type Assertion, type CharTest, isWord, type Node, PatternError, parsePattern } from './parse';

export { PatternError } from './parse';

type Instruction =
  | { readonly op: 'char'; readonly test: CharTest }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'split'; a: number; b: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'match' };

/** A bound for repetitions inside repetitions; Go has one, too. The pattern of a host name has about 300. */
const maxInstructions = 20_000;
/** Steps of one match, or of all patterns of an object together; each takes some ten to fifty nanoseconds. */
export const maxSteps = 1_000_000;

export class Pattern {
  private readonly program: readonly Instruction[];

  /** @throws PatternError with Go's message */
  constructor(source: string) {
    const program: Instruction[] = [];
    emit(parsePattern(source), program);
    add(program, { op: 'match' });
    this.program = program;
  }

  /** Whether the pattern matches anywhere in the text; undefined when the answer would take more than maxSteps. */
  test(text: string): boolean | undefined {
    return this.match(text, maxSteps).matches;
  }

  /** The same within `limit` steps, and how many the answer took. */
  match(text: string, limit: number): { readonly matches: boolean | undefined; readonly steps: number } {
    const match = new Match(this.program, text, limit);
    const matches = match.run();
    // Each match begins with an empty table of all instructions.
    return { matches, steps: match.steps + (this.program.length >> 4) };
  }
}

function add(program: Instruction[], instruction: Instruction): number {
  if (program.length >= maxInstructions) throw new PatternError('error parsing regexp: expression too large');
  return program.push(instruction) - 1;
}

function emit(node: Node, program: Instruction[]): void {
  switch (node.op) {
    case 'char':
    case 'assert':
      add(program, node);
      return;
    case 'all':
      for (const inner of node.nodes) emit(inner, program);
      return;
    case 'any':
      emitAny(node.nodes, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
  }
}

function emitAny(nodes: readonly Node[], program: Instruction[]): void {
  const jumps: { to: number }[] = [];
  nodes.forEach((node, i) => {
    if (i === nodes.length - 1) {
      emit(node, program);
      return;
    }
    const split = { op: 'split' as const, a: 0, b: 0 };
    split.a = add(program, split) + 1;
    emit(node, program);
    const jump = { op: 'jump' as const, to: 0 };
    split.b = add(program, jump) + 1;
    jumps.push(jump);
  });
  for (const jump of jumps) jump.to = program.length;
}

function emitRepeat({ node, min, max }: Extract<Node, { op: 'repeat' }>, program: Instruction[]): void {
  for (let i = 0; i < min; i++) emit(node, program);
  if (max === Number.POSITIVE_INFINITY) {
    const split = { op: 'split' as const, a: 0, b: 0 };
    const start = add(program, split);
    split.a = start + 1;
    emit(node, program);
    split.b = add(program, { op: 'jump', to: start }) + 1;
    return;
  }
  const splits: { b: number }[] = [];
  for (let i = min; i < max; i++) {
    const split = { op: 'split' as const, a: 0, b: 0 };
    split.a = add(program, split) + 1;
    splits.push(split);
    emit(node, program);
  }
  for (const split of splits) split.b = program.length;
}

class Match {
  /** Per instruction the position at which it was reached last. */
  private readonly seen: Int32Array;
  private readonly codes: readonly number[];
  steps = 0;
  private matched = false;

  constructor(
    private readonly program: readonly Instruction[],
    text: string,
    private readonly limit: number,
  ) {
    this.seen = new Int32Array(program.length).fill(-1);
    // A text that is too long for one step per character is not split.
    this.codes = text.length > limit ? [] : Array.from(text, (char) => char.codePointAt(0)!);
    if (text.length > limit) this.steps = limit + 1;
  }

  run(): boolean | undefined {
    let current: number[] = [];
    for (let at = 0; at <= this.codes.length; at++) {
      // The match may begin at each place of the text.
      this.reach(0, at, current);
      if (this.matched) return true;
      if (this.steps > this.limit) return undefined;
      const code = this.codes[at];
      if (code === undefined) return false;
      const next: number[] = [];
      for (const place of current) {
        this.steps++;
        const instruction = this.program[place]!;
        if (instruction.op === 'char' && instruction.test(code)) this.reach(place + 1, at + 1, next);
      }
      current = next;
    }
    return false;
  }

  /** Adds the characters that may come next at `at`, from an instruction on. */
  private reach(start: number, at: number, places: number[]): void {
    const pending = [start];
    for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
      if (this.seen[place] === at) continue;
      this.seen[place] = at;
      this.steps++;
      const instruction = this.program[place]!;
      switch (instruction.op) {
        case 'match':
          this.matched = true;
          break;
        case 'jump':
          pending.push(instruction.to);
          break;
        case 'split':
          pending.push(instruction.b, instruction.a);
          break;
        case 'assert':
          if (this.holds(instruction.what, at)) pending.push(place + 1);
          break;
        case 'char':
          places.push(place);
      }
    }
  }

  private holds(what: Assertion, at: number): boolean {
    const before = this.codes[at - 1];
    const after = this.codes[at];
    switch (what) {
      case 'begin':
        return before === undefined;
      case 'end':
        return after === undefined;
      case 'beginLine':
        return before === undefined || before === 10;
      case 'endLine':
        return after === undefined || after === 10;
      default: {
        const isBoundary = (before !== undefined && isWord(before)) !== (after !== undefined && isWord(after));
        return isBoundary === (what === 'word');
      }
    }
  }
}
