// What Kubernetes adds to CEL's own functions. Source: "Kubernetes CEL libraries" in its documentation.
import type { Environment } from '@marcbachmann/cel-js';
import { registerLists } from './lists';
import { registerRegex } from './regex';
import { registerStrings } from './strings';

export function registerExtensions(environment: Environment): void {
  registerStrings(environment);
  registerRegex(environment);
  registerLists(environment);
}
