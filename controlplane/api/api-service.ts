// apiregistration.k8s.io/v1 APIService: a group version of the API, served by this server (`Local`) or by an API server behind a Service.
// The aggregator (controlplane/apiserver/aggregator) acts on it.
import type { V1APIService } from '@kubernetes/client-node';
import { formatTime } from '../base/clock';
import type { FieldCause } from '../base/errors';
import { conditionOf } from './conditions';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import { dns1035Label, dns1123Subdomain, pathSegment, portNumber } from './validation/names';

export type APIService = Wire<V1APIService>;
export type APIServiceCondition = NonNullable<NonNullable<APIService['status']>['conditions']>[number];
type Spec = NonNullable<APIService['spec']>;

const defaultPort = 443;
const statuses = ['True', 'False', 'Unknown'];

export const localCondition = (lastTransitionTime: string): APIServiceCondition => ({
  type: 'Available',
  status: 'True',
  lastTransitionTime,
  reason: 'Local',
  message: 'Local APIServices are always available',
});

/** The name that an APIService must have: v1.apps, and `v1.` for the core group. */
export const apiServiceName = ({ group = '', version = '' }: { group?: string; version?: string }): string =>
  `${version}.${group}`;

function validate(object: APIService, { subresource }: WriteContext<APIService>): FieldCause[] {
  if (subresource === 'status') return validateConditions(object.status?.conditions ?? []);
  const name = object.metadata?.name ?? '';
  const { spec } = object;
  return [...validateName(name, spec), ...validateVersion(spec), ...validatePriorities(spec), ...validateTarget(spec)];
}

/** A name that is no path segment is reported by the rules of metadata. */
function validateName(name: string, spec: Spec | undefined): FieldCause[] {
  const expected = apiServiceName(spec ?? {});
  if (name === expected || pathSegment(name).length > 0) return [];
  const detail = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`;
  return [invalid('metadata.name', name, detail)];
}

function validateVersion({ group = '', version = '' }: Partial<Spec> = {}): FieldCause[] {
  const onlyCore = 'only v1 may have an empty group and it better be legacy kube';
  return [
    ...(group === '' && version !== 'v1' ? [required('spec.group', onlyCore)] : []),
    ...(group === '' ? [] : invalidEach('spec.group', group, dns1123Subdomain(group))),
    ...invalidEach('spec.version', version, dns1035Label(version)),
  ];
}

function validatePriorities({ groupPriorityMinimum: group = 0, versionPriority: version = 0 }: Partial<Spec> = {}) {
  return [
    ...(group <= 0 || group > 20_000
      ? [invalid('spec.groupPriorityMinimum', group, 'must be positive and less than 20000')]
      : []),
    ...(version <= 0 || version > 1000
      ? [invalid('spec.versionPriority', version, 'must be positive and less than 1000')]
      : []),
  ];
}

function validateTarget({ service, caBundle = '', insecureSkipTLSVerify: insecure }: Partial<Spec> = {}): FieldCause[] {
  const [caField, insecureField] = ['spec.caBundle', 'spec.insecureSkipTLSVerify'];
  if (!service) {
    const bytes = Buffer.byteLength(caBundle, 'base64');
    return [
      ...(bytes > 0 ? [invalid(caField, `${bytes} bytes`, 'local APIServices may not have a caBundle')] : []),
      ...(insecure ? [invalid(insecureField, true, 'local APIServices may not have insecureSkipTLSVerify')] : []),
    ];
  }
  const { namespace, name, port = defaultPort } = service;
  const wrongPort = portNumber(port);
  return [
    ...(namespace ? [] : [required('spec.service.namespace')]),
    ...(name ? [] : [required('spec.service.name')]),
    ...(wrongPort.length > 0 ? [invalid('spec.service.port', port, `port is not valid: ${wrongPort.join(', ')}`)] : []),
    ...(insecure && caBundle !== '' ? [invalid(insecureField, true, 'may not be true if caBundle is present')] : []),
  ];
}

const validateConditions = (conditions: readonly APIServiceCondition[]): FieldCause[] =>
  conditions.flatMap(({ status = '' }, i) =>
    statuses.includes(status) ? [] : [notSupported(`status.conditions[${i}].status`, status, statuses)],
  );

function availability(object: APIService): string {
  const condition = conditionOf(object, 'Available');
  if (!condition) return 'Unknown';
  const { status, reason } = condition;
  return status === 'True' || !reason ? status : `${status} (${reason})`;
}

export const apiServices = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1APIService' },
  hasStatus: true,
  statusKeeps: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  generation: 'absent',
  unconditionalUpdate: false,
  nameCheck: pathSegment,
  defaults: ({ spec }) => {
    if (spec?.service) spec.service.port ??= defaultPort;
  },
  prepare: (object, { old }) => {
    if (old) return;
    object.status = object.spec?.service ? {} : { conditions: [localCondition(formatTime(Date.now()))] };
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'Service',
      type: 'string',
      description: 'The reference to the service that hosts this API endpoint.',
      cell: ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Whether this service is available.',
      cell: availability,
    },
    ageColumn,
  ],
});
