// What Kubernetes adds to CEL's own functions. Source: "Kubernetes CEL libraries" in its documentation.
import type { Environment } from '@marcbachmann/cel-js';
import { registerAddresses } from './addresses';
import { registerLists } from './lists';
import { registerQuantities } from './quantity';
import { registerRegex } from './regex';
import { registerSets } from './sets';
import { registerStrings } from './strings';
import { registerUrls } from './url';

export function registerExtensions(environment: Environment): void {
  for (const register of [
    registerStrings,
    registerRegex,
    registerLists,
    registerSets,
    registerQuantities,
    registerAddresses,
    registerUrls,
  ]) {
    register(environment);
  }
}
