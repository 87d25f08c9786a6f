// flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration: how many requests of a level run at once.
// apiserver/flowcontrol acts by it.
import type { V1LimitedPriorityLevelConfiguration, V1PriorityLevelConfiguration } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { mandatoryLevels } from './flow-control/bootstrap-objects';
import { validateConditions } from './flow-control/conditions';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { forbidden, invalid, notSupported, required } from './validation/causes';
import { isSame } from './validation/difference';

export type PriorityLevelConfiguration = Wire<V1PriorityLevelConfiguration>;
type Limited = Wire<V1LimitedPriorityLevelConfiguration>;

function validate(
  level: PriorityLevelConfiguration,
  { subresource }: WriteContext<PriorityLevelConfiguration>,
): FieldCause[] {
  const status = validateConditions(level.status?.conditions ?? []);
  if (subresource !== '') return status;
  const name = level.metadata?.name ?? '';
  const { type = '', limited, exempt } = level.spec ?? {};
  const mismatch = "must be 'Exempt' if and only if `name` is 'exempt'";
  return [
    ...((name === 'exempt') === (type === 'Exempt') ? [] : [invalid('spec.type', type, mismatch)]),
    ...(type === 'Exempt'
      ? [
          ...(limited ? [forbidden('spec.limited', 'must be nil if the type is not Limited')] : []),
          ...validateShares(exempt ?? {}, 'spec.exempt'),
        ]
      : []),
    ...(type === 'Limited'
      ? [
          ...(exempt ? [forbidden('spec.exempt', 'must be nil if the type is Limited')] : []),
          ...(limited
            ? validateLimited(limited, 'spec.limited')
            : [required('spec.limited', 'must not be empty when type is Limited')]),
        ]
      : []),
    ...(type === 'Exempt' || type === 'Limited' ? [] : [wrongType('spec.type', type, ['Exempt', 'Limited'])]),
    ...validateFixed(level, name),
    ...status,
  ];
}

const wrongType = (field: string, type: string, types: readonly string[]): FieldCause =>
  type === '' ? required(field) : notSupported(field, type, types);

/** An administrator may set how much the level `exempt` lends. */
function validateFixed({ spec }: PriorityLevelConfiguration, name: string): FieldCause[] {
  const fixed = mandatoryLevels.find(({ metadata }) => metadata?.name === name);
  if (!fixed) return [];
  const isExempt = name === 'exempt';
  const [own, wanted] = [spec, fixed.spec].map((one) => ({ ...one, ...(isExempt ? { exempt: undefined } : {}) }));
  if (isSame(own, wanted)) return [];
  const except = isExempt ? " except the 'spec.exempt' field" : '';
  return [invalid('spec', spec, `spec of '${name}'${except} must equal the fixed value`)];
}

interface Shares {
  readonly nominalConcurrencyShares?: number;
  readonly lendablePercent?: number;
}

function validateShares(
  { nominalConcurrencyShares: shares = 0, lendablePercent = 0 }: Shares,
  field: string,
): FieldCause[] {
  return [
    ...(shares < 0 ? [invalid(`${field}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : []),
    ...(lendablePercent < 0 || lendablePercent > 100
      ? [invalid(`${field}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive')]
      : []),
  ];
}

function validateLimited(limited: Limited, field: string): FieldCause[] {
  const borrowing = limited.borrowingLimitPercent ?? 0;
  return [
    ...validateShares(limited, field),
    ...(borrowing < 0
      ? [invalid(`${field}.borrowingLimitPercent`, borrowing, 'if specified, must be a non-negative integer')]
      : []),
    ...validateResponse(limited.limitResponse, `${field}.limitResponse`),
  ];
}

function validateResponse(response: Limited['limitResponse'], field: string): FieldCause[] {
  const { type = '', queuing } = response ?? {};
  const at = `${field}.queuing`;
  if (type === 'Reject')
    return queuing ? [forbidden(at, 'must be nil if limited.limitResponse.type is not Limited')] : [];
  if (type !== 'Queue') return [wrongType(`${field}.type`, type, ['Queue', 'Reject'])];
  if (!queuing) return [required(at, 'must not be empty if limited.limitResponse.type is Limited')];
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const positive = (key: string, value: number) =>
    value > 0 ? [] : [invalid(`${at}.${key}`, value, 'must be positive')];
  const bits = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxBits}`;
  return [
    ...positive('queueLengthLimit', queueLengthLimit),
    ...positive('queues', queues),
    ...(queues > maxQueues ? [invalid(`${at}.queues`, queues, `must not be greater than ${maxQueues}`)] : []),
    ...positive('handSize', handSize),
    ...(handSize > queues
      ? [invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`)]
      : handSize > 0 && entropyBits(queues, handSize) > maxBits
        ? [invalid(`${at}.handSize`, handSize, bits)]
        : []),
  ];
}

const maxQueues = 10_000_000;
const maxBits = 60;

/** How many bits choose `handSize` of `queues`, as upstream computes it. Ends at the bound: a hand may be millions. */
function entropyBits(queues: number, handSize: number): number {
  let bits = 0;
  for (let i = 0; i < handSize && bits <= maxBits; i++) bits += Math.log2(queues - i);
  return Math.ceil(bits);
}

export const priorityLevelConfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  namespaced: false,
  schema: { model: 'V1PriorityLevelConfiguration' },
  hasStatus: true,
  defaults: ({ spec }) => {
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (!spec?.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    queuing.queues ||= 64;
    queuing.handSize ||= 8;
    queuing.queueLengthLimit ||= 50;
  },
  prepare: (level, { old }) => {
    if (!old) level.status = {};
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'Type',
      type: 'string',
      description: 'Whether the number of requests of the level is limited.',
      cell: ({ spec }) => spec?.type ?? '',
    },
    {
      name: 'NominalConcurrencyShares',
      type: 'string',
      description: 'The share of the level in the requests that run at once.',
      cell: ({ spec }) => (spec?.limited ?? spec?.exempt)?.nominalConcurrencyShares ?? none,
    },
    {
      name: 'Queues',
      type: 'string',
      description: 'The number of queues of the level.',
      cell: ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? none,
    },
    {
      name: 'HandSize',
      type: 'string',
      description: 'From how many queues one flow chooses.',
      cell: ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? none,
    },
    {
      name: 'QueueLengthLimit',
      type: 'string',
      description: 'How many requests may wait in one queue.',
      cell: ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? none,
    },
    ageColumn,
  ],
});
