// DeviceSelectors: refuses claims, templates and classes with a selector that does not compile. The kinds cannot check it themselves,
// because controlplane/cel imports controlplane/api.
import { setImmediate } from 'node:timers/promises';
import { type DeviceClass, deviceClasses } from '../../api/device-class';
import type { DeviceClaim, Selector } from '../../api/devices/types';
import { type ResourceClaim, resourceClaims } from '../../api/resource-claim';
import { type ResourceClaimTemplate, resourceClaimTemplates } from '../../api/resource-claim-template';
import type { FieldSchema } from '../../api/schema/schema';
import type { KubeObject } from '../../api/types';
import { invalid, tooLong } from '../../api/validation/causes';
import { isSame } from '../../api/validation/difference';
import type { FieldCause } from '../../base/errors';
import { CelEnvironment } from '../../cel/engine';
import { CelCompileError } from '../../cel/errors';
import { invalid as invalidObject } from '../status';
import type { OpenRule } from '../write/rule';

const longestExpression = 10 * 1024;
/** After so much text the rule gives way to other requests: a body can contain 3 MB of expressions. */
const bytesPerTurn = 8 * 1024;

const text: FieldSchema = { type: 'string' };
const byDomain = (value: FieldSchema): FieldSchema => ({ type: 'map', items: { type: 'map', items: value } });
const device: FieldSchema = {
  type: 'object',
  object: {
    fields: {
      driver: text,
      attributes: byDomain({ type: 'any' }),
      capacity: byDomain({ type: 'quantity' }),
      allowMultipleAllocations: { type: 'boolean' },
    },
  },
};
const environment = new CelEnvironment({ device });

interface Expression {
  readonly field: string;
  readonly expression: string;
}

/** By prefix: the expressions of an object, without those that were accepted before. */
const expressionsOf: Readonly<Record<string, (object: KubeObject, old: KubeObject | undefined) => Expression[]>> = {
  // The specs of these two never change.
  [resourceClaims.prefix]: (object, old) =>
    old ? [] : ofClaim((object as ResourceClaim).spec?.devices, 'spec.devices'),
  [resourceClaimTemplates.prefix]: (object, old) =>
    old ? [] : ofClaim((object as ResourceClaimTemplate).spec?.spec?.devices, 'spec.spec.devices'),
  [deviceClasses.prefix]: (object, old) => {
    const { selectors = [] } = (object as DeviceClass).spec ?? {};
    const stored = (old as DeviceClass | undefined)?.spec?.selectors;
    return stored && isSame(selectors, stored) ? [] : ofSelectors(selectors, 'spec.selectors');
  },
};

export const deviceSelectors: OpenRule = () => ({
  name: 'DeviceSelectors',
  concerns: ({ operation, kind, subresource }) =>
    (operation === 'create' || operation === 'update') &&
    subresource === '' &&
    expressionsOf[kind.prefix] !== undefined,
  validate({ kind, object, old }) {
    const expressions = object ? expressionsOf[kind.prefix]!(object, old) : [];
    if (expressions.length === 0) return;
    return check(expressions).then((causes) => {
      if (causes.length > 0) throw invalidObject(kind, object?.metadata?.name ?? '', causes);
    });
  },
});

function ofClaim({ requests = [] }: DeviceClaim = {}, field: string): Expression[] {
  return requests.flatMap(({ exactly, firstAvailable = [] }, i) => {
    const at = `${field}.requests[${i}]`;
    return [
      ...ofSelectors(exactly?.selectors, `${at}.exactly.selectors`),
      ...firstAvailable.flatMap(({ selectors }, j) => ofSelectors(selectors, `${at}.firstAvailable[${j}].selectors`)),
    ];
  });
}

const ofSelectors = (selectors: readonly Selector[] = [], field: string): Expression[] =>
  selectors.flatMap(({ cel }, i) =>
    cel ? [{ field: `${field}[${i}].cel.expression`, expression: cel.expression ?? '' }] : [],
  );

async function check(expressions: readonly Expression[]): Promise<FieldCause[]> {
  const causes: FieldCause[] = [];
  let bytes = 0;
  for (const { field, expression } of expressions) {
    const length = Buffer.byteLength(expression);
    if (length > longestExpression) {
      causes.push(tooLong(field, longestExpression));
      continue;
    }
    bytes += length;
    if (bytes > bytesPerTurn) {
      await setImmediate();
      bytes = length;
    }
    const problem = compileProblem(expression);
    if (problem !== undefined) causes.push(invalid(field, expression, problem));
  }
  return causes;
}

function compileProblem(expression: string): string | undefined {
  try {
    environment.compile(expression, 'bool');
    return undefined;
  } catch (err) {
    if (!(err instanceof CelCompileError)) throw err;
    // A value of unknown type, such as an attribute, may be a bool.
    return err.message.replace(/^must evaluate to bool but got /, 'must evaluate to bool or the unknown type, not ');
  }
}
