// What Kubernetes adds to CEL's own functions. Source: "Kubernetes CEL libraries" in its documentation.
import type { Environment } from '@marcbachmann/cel-js';
import { registerAddresses } from './addresses';
import { registerFormat } from './format';
import { registerJsonPatch } from './json-patch';
import { registerListForms } from './list-forms';
import { registerLists } from './lists';
import { registerOptionalParts } from './literals';
import { registerNamedFormats } from './named-formats';
import { registerOptionals } from './optionals';
import { registerQuantities } from './quantity';
import { registerRegex } from './regex';
import { registerSemver } from './semver';
import { registerSets } from './sets';
import { registerStrings } from './strings';
import { registerTimeText } from './time-text';
import { registerTwoVariables } from './two-variables';
import { registerUrls } from './url';
import { registerZonedTimes } from './zoned-times';

export function registerExtensions(environment: Environment): void {
  for (const register of [
    registerStrings,
    registerRegex,
    registerLists,
    registerListForms,
    registerNamedFormats,
    registerSets,
    registerQuantities,
    registerSemver,
    registerAddresses,
    registerUrls,
    registerFormat,
    registerTimeText,
    registerZonedTimes,
    registerOptionals,
    registerOptionalParts,
    registerTwoVariables,
    registerJsonPatch,
  ]) {
    register(environment);
  }
}
