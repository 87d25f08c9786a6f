// The audit policy: which requests are recorded, how much of each, and at which stages. The first rule that matches decides; a
// request without a rule is not recorded. Source: "Auditing" in the reference, audit.k8s.io/v1. Pure.
import type { FieldSchema } from '../../api/schema/schema';
import { invalid, notSupported, required } from '../../api/validation/causes';
import { dns1123Subdomain } from '../../api/validation/names';
import type { FieldCause } from '../../base/errors';
import { type ConfigKind, flag, listOf, objectOf, readConfig, refuseCauses, text } from '../config/read';
import type { UserInfo } from '../request';
import type { RequestInfo } from './request-info';

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof levels)[number];
export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof stages)[number];

interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}
interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}
interface PolicyFile {
  readonly rules?: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/** How one request is recorded. */
export interface Decision {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

const texts: FieldSchema = listOf(text);
const policyKind: ConfigKind = {
  group: 'audit.k8s.io',
  versions: ['v1'],
  kind: 'Policy',
  fields: {
    rules: listOf(
      objectOf({
        level: text,
        users: texts,
        userGroups: texts,
        verbs: texts,
        resources: listOf(objectOf({ group: text, resources: texts, resourceNames: texts })),
        namespaces: texts,
        nonResourceURLs: texts,
        omitStages: texts,
        omitManagedFields: flag,
      }),
    ),
    omitStages: texts,
    omitManagedFields: flag,
  },
};

/** @throws BadRequest naming the file and each wrong field */
export function readAuditPolicy(source: string, file: string): AuditPolicy {
  const policy = readConfig(source, file, policyKind) as PolicyFile;
  const causes = (policy.rules ?? []).flatMap((rule, i) => ruleCauses(rule, `rules[${i}]`));
  refuseCauses(file, [...causes, ...stageCauses(policy.omitStages, 'omitStages')]);
  return new AuditPolicy(policy);
}

function ruleCauses(rule: PolicyRule, path: string): FieldCause[] {
  const { level, nonResourceURLs: urls = [], resources = [], namespaces = [], omitStages } = rule;
  const causes: FieldCause[] = [];
  if (!level) causes.push(required(`${path}.level`));
  else if (!levels.includes(level)) causes.push(notSupported(`${path}.level`, level, levels));
  for (const [i, url] of urls.entries()) {
    if (url === '*') continue;
    const at = `${path}.nonResourceURLs[${i}]`;
    if (!url.startsWith('/')) causes.push(invalid(at, url, "non-resource URL rules must begin with a '/' character"));
    if (url.slice(0, -1).includes('*')) {
      causes.push(invalid(at, url, "non-resource URL wildcards '*' must be the final character of the rule"));
    }
  }
  for (const { group = '', resources: names = [], resourceNames = [] } of resources) {
    const problems = group === '' ? [] : dns1123Subdomain(group);
    if (problems.length > 0) causes.push(invalid(`${path}.resources.group`, group, problems.join(',')));
    if (resourceNames.length > 0 && names.length === 0) {
      causes.push(
        invalid(`${path}.resources.resourceNames`, resourceNames, 'using resourceNames requires at least one resource'),
      );
    }
  }
  causes.push(...stageCauses(omitStages, `${path}.omitStages`));
  if (urls.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
    causes.push(
      invalid(`${path}.nonResourceURLs`, urls, 'rules cannot apply to both regular resources and non-resource URLs'),
    );
  }
  return causes;
}

const stageCauses = (given: readonly Stage[] = [], path: string): FieldCause[] =>
  given.flatMap((stage, i) =>
    stages.includes(stage) ? [] : [invalid(`${path}[${i}]`, stage, `allowed stages are ${stages.join(',')}`)],
  );

export class AuditPolicy {
  private readonly rules: readonly (readonly [PolicyRule, Decision])[];
  private readonly otherwise: Decision = { level: 'None', omitStages: new Set(), omitManagedFields: false };

  constructor({ rules = [], omitStages = [], omitManagedFields = false }: PolicyFile) {
    this.rules = rules.map((rule) => [
      rule,
      {
        level: rule.level,
        omitStages: new Set([...omitStages, ...(rule.omitStages ?? [])]),
        omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
      },
    ]);
  }

  /** `user` is absent for a request whose credentials are wrong. */
  decide(info: RequestInfo, user: UserInfo | undefined): Decision {
    return this.rules.find(([rule]) => matches(rule, info, user))?.[1] ?? this.otherwise;
  }
}

const within = (list: readonly string[] | undefined, value: string | undefined): boolean =>
  !list || list.length === 0 || (value !== undefined && list.includes(value));

function matches(rule: PolicyRule, info: RequestInfo, user: UserInfo | undefined): boolean {
  const { users, userGroups = [], verbs, namespaces = [], resources = [], nonResourceURLs: urls = [] } = rule;
  if (!within(users, user?.name) || !within(verbs, info.verb)) return false;
  if (userGroups.length > 0 && !user?.groups.some((group) => userGroups.includes(group))) return false;
  if (namespaces.length > 0 || resources.length > 0) {
    if (!info.resource || !within(namespaces, info.resource.namespace)) return false;
    return resources.length === 0 || resources.some((one) => matchesResource(one, info.resource!));
  }
  if (urls.length === 0) return true;
  return (
    !info.resource &&
    urls.some(
      (url) => url === '*' || url === info.path || (url.endsWith('*') && info.path.startsWith(url.slice(0, -1))),
    )
  );
}

function matchesResource(wanted: GroupResources, found: NonNullable<RequestInfo['resource']>): boolean {
  const { group = '', resources = [], resourceNames } = wanted;
  const { resource, subresource, name } = found;
  if (group !== found.group) return false;
  if (resources.length === 0) return true;
  if (!within(resourceNames, name)) return false;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (one) =>
      one === '*' || one === combined || one === `${resource}/*` || (subresource !== '' && one === `*/${subresource}`),
  );
}
