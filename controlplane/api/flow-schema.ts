// flowcontrol.apiserver.k8s.io/v1 FlowSchema: which requests belong to which priority level. apiserver/flowcontrol acts by it, and writes
// its condition Dangling.
import type { V1FlowSchema } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { mandatoryFlows } from './flow-control/bootstrap-objects';
import { validateConditions } from './flow-control/conditions';
import { validateRules } from './flow-control/validate-rules';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import { isSame } from './validation/difference';
import { dns1123Subdomain } from './validation/names';

export type FlowSchema = Wire<V1FlowSchema>;

const maxPrecedence = 10_000;
const methods = ['ByNamespace', 'ByUser'];

function validate(schema: FlowSchema, { subresource }: WriteContext<FlowSchema>): FieldCause[] {
  const status = validateConditions(schema.status?.conditions ?? []);
  if (subresource !== '') return status;
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method, rules = [] } = schema.spec ?? {};
  const level = schema.spec?.priorityLevelConfiguration?.name ?? '';
  const name = schema.metadata?.name ?? '';
  const fixed = mandatoryFlows.find(({ metadata }) => metadata?.name === name);
  const at = 'spec.matchingPrecedence';
  const wrong = [
    ...(precedence <= 0 ? ['must be a positive value'] : []),
    ...(precedence > maxPrecedence ? [`must not be greater than ${maxPrecedence}`] : []),
    ...(precedence === 1 && name !== 'exempt' ? ["only the schema named 'exempt' may have matchingPrecedence 1"] : []),
  ];
  return [
    ...invalidEach(at, precedence, wrong),
    ...(method && !methods.includes(method.type ?? '')
      ? [notSupported('spec.distinguisherMethod.type', method, methods)]
      : []),
    ...(level === ''
      ? [required('spec.priorityLevelConfiguration.name', 'must reference a priority level')]
      : invalidEach('spec.priorityLevelConfiguration.name', level, dns1123Subdomain(level))),
    ...rules.flatMap((one, i) => validateRules(one, `spec.rules[${i}]`)),
    ...(fixed && !isSame(fixed.spec, schema.spec)
      ? [invalid('spec', schema.spec, `spec of '${name}' must equal the fixed value`)]
      : []),
    ...status,
  ];
}

export const flowSchemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  namespaced: false,
  schema: { model: 'V1FlowSchema' },
  hasStatus: true,
  defaults: (schema) => {
    schema.spec ??= {} as NonNullable<FlowSchema['spec']>;
    schema.spec.matchingPrecedence ||= 1000;
  },
  prepare: (schema, { old }) => {
    if (!old) schema.status = {};
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'PriorityLevel',
      type: 'string',
      description: 'The name of the priority level of the requests.',
      cell: ({ spec }) => spec?.priorityLevelConfiguration?.name ?? '',
    },
    {
      name: 'MatchingPrecedence',
      type: 'string',
      description: 'Of several schemas that match, the one with the smallest number counts.',
      cell: ({ spec }) => spec?.matchingPrecedence ?? 0,
    },
    {
      name: 'DistinguisherMethod',
      type: 'string',
      description: 'How requests of one schema are divided into flows.',
      cell: ({ spec }) => spec?.distinguisherMethod?.type ?? none,
    },
    ageColumn,
    {
      name: 'MissingPL',
      type: 'string',
      description: 'references a broken or non-existent PriorityLevelConfiguration',
      cell: ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    },
  ],
});
