// A history as a file of JSON lines: first its start, then one operation in each line.
import { readFileSync, writeFileSync } from 'node:fs';
import type { History, Operation } from './model/history';

export function writeHistory(path: string, { start, operations }: History): void {
  writeFileSync(path, [{ start }, ...operations].map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** @throws SyntaxError for a file that is no history */
export function readHistory(path: string): History {
  const [first = '{}', ...rest] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const { start } = JSON.parse(first) as { start: number };
  return { start, operations: rest.map((line) => JSON.parse(line) as Operation) };
}
