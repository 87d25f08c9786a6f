// SubjectAccessReview with its Self and Local forms: may this user do this? And SelfSubjectRulesReview: what may I do?
import { parseFieldSelector } from '../../api/field-selector';
import { parseSelector } from '../../api/selector';
import { invalid as invalidField, required } from '../../api/validation/causes';
import { fieldRequirementCauses, labelRequirementCauses } from '../../api/validation/selectors';
import { BadRequest, type FieldCause } from '../../base/errors';
import type { Asked, Authorizer, ResourceAttributes } from '../authz/authorizer';
import { nodeNameOf } from '../authz/node';
import type { RbacAuthorizer } from '../authz/rbac';
import type { SentSelector } from '../authz/selectors';
import type { Reply, UserInfo } from '../request';
import type { RestRequest } from '../rest/context';
import { isRecord } from '../rest/decode';
import type { OwnerDeps } from '../rest/field-manager';
import type { SubresourceHandler } from '../servers/kind-server';
import { invalid } from '../status';
import { type Fields, type Review, readReview, reviewReply, text, texts } from './review-body';

export interface AccessDeps {
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly owners: OwnerDeps;
}

const group = 'authorization.k8s.io';

export function accessReviews(deps: AccessDeps): readonly (readonly [string, SubresourceHandler])[] {
  return [
    [`selfsubjectaccessreviews.${group}`, (rest) => reviewAccess(deps, rest, 'self')],
    [`subjectaccessreviews.${group}`, (rest) => reviewAccess(deps, rest, 'any')],
    [`localsubjectaccessreviews.${group}`, (rest) => reviewAccess(deps, rest, 'local')],
    [`selfsubjectrulesreviews.${group}`, (rest) => reviewRules(deps, rest)],
  ];
}

type Form = 'self' | 'any' | 'local';

async function reviewAccess({ authorizer, owners }: AccessDeps, rest: RestRequest, form: Form): Promise<Reply> {
  const review = await readReview(owners, rest);
  const { spec } = review;
  const causes = causesOf(review, form);
  // Upstream's error has no kind: the review has lost it when it is checked.
  if (causes.length > 0) throw invalid({ group, kind: '' }, '', causes);
  const user = form === 'self' ? rest.request.user : subjectOf(spec);
  const { asked, ignored } = askedOf(spec);
  await authorizer.prepare?.(user, asked);
  const allowed =
    'path' in asked ? authorizer.allowsPath(user, asked.verb, asked.path) : authorizer.allowsResource(user, asked);
  const reason = (allowed ? authorizer.explain?.(user, asked) : authorizer.explainDenial?.(user, asked)) ?? '';
  return reviewReply(rest, review, {
    allowed,
    ...(!allowed && authorizer.denies?.(user, asked) ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(ignored.length === 0 ? {} : { evaluationError: ignored.join('; ') }),
  });
}

function causesOf({ metadata, spec }: Review, form: Form): FieldCause[] {
  const resource = spec['resourceAttributes'];
  const path = spec['nonResourceAttributes'];
  const causes: FieldCause[] = [];
  if (isRecord(resource) && isRecord(path)) {
    causes.push(
      invalidField('spec.nonResourceAttributes', path, 'cannot be specified in combination with resourceAttributes'),
    );
  }
  if (!isRecord(resource) && !isRecord(path)) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    causes.push(invalidField('spec.resourceAttributes', null, why));
  }
  if (form !== 'self' && text(spec['user']) === '' && texts(spec['groups']).length === 0) {
    causes.push(invalidField('spec.user', '', 'at least one of user or group must be specified'));
  }
  if (isRecord(resource))
    causes.push(...selectorCauses(resource, 'fieldSelector'), ...selectorCauses(resource, 'labelSelector'));
  const known = new Set(form === 'local' ? ['namespace', 'managedFields'] : ['managedFields']);
  if (Object.keys(metadata).some((field) => !known.has(field))) {
    causes.push(
      invalidField('metadata', metadata, form === 'local' ? 'must be empty except for namespace' : 'must be empty'),
    );
  }
  if (form !== 'local') return causes;
  if (isRecord(resource) && text(resource['namespace']) !== text(metadata['namespace'])) {
    causes.push(
      invalidField('spec.resourceAttributes.namespace', text(resource['namespace']), 'must match metadata.namespace'),
    );
  }
  if (isRecord(path))
    causes.push(invalidField('spec.nonResourceAttributes', path, 'disallowed on this kind of request'));
  return causes;
}

type SelectorField = 'fieldSelector' | 'labelSelector';

function selectorCauses(resource: Fields, field: SelectorField): FieldCause[] {
  const selector = resource[field];
  if (!isRecord(selector)) return [];
  const raw = text(selector['rawSelector']);
  const requirements = requirementsOf(selector);
  const at = `spec.resourceAttributes.${field}`;
  const causes: FieldCause[] = [];
  if (raw !== '' && requirements.length > 0) {
    causes.push(invalidField(`${at}.rawSelector`, raw, 'may not specified at the same time as requirements'));
  }
  if (requirements.length > 0) {
    const judge = field === 'fieldSelector' ? fieldRequirementCauses : labelRequirementCauses;
    requirements.forEach((each, i) => {
      causes.push(...judge(requirementOf(each), `${at}.requirements[${i}]`));
    });
  }
  if (raw === '' && requirements.length === 0) {
    causes.push(required(`${at}.requirements`, `when ${at} is specified, requirements or rawSelector is required`));
  }
  return causes;
}

const requirementOf = ({ key, operator, values }: Fields) => ({
  key: text(key),
  operator: text(operator),
  values: texts(values),
});

const requirementsOf = (selector: Fields): Fields[] =>
  Array.isArray(selector['requirements']) ? selector['requirements'].filter(isRecord) : [];

function subjectOf(spec: Fields): UserInfo {
  const extra = isRecord(spec['extra']) ? spec['extra'] : {};
  return {
    name: text(spec['user']),
    groups: texts(spec['groups']),
    ...(text(spec['uid']) === '' ? {} : { uid: text(spec['uid']) }),
    extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, texts(values)])),
  };
}

/** The question of a valid review, and which of its selectors are not part of it. */
function askedOf(spec: Fields): { readonly asked: Asked; readonly ignored: readonly string[] } {
  const path = spec['nonResourceAttributes'];
  if (isRecord(path)) return { asked: { verb: text(path['verb']), path: text(path['path']) }, ignored: [] };
  const fields = spec['resourceAttributes'] as Fields;
  const ignored: string[] = [];
  const selector = fields['fieldSelector'];
  const selectedNode = isRecord(selector) ? selectedNodeOf(selector, ignored) : undefined;
  if (isRecord(fields['labelSelector'])) checkLabels(fields['labelSelector'], ignored);
  const asked: ResourceAttributes = {
    verb: text(fields['verb']),
    group: text(fields['group']),
    ...(text(fields['version']) === '' ? {} : { version: text(fields['version']) }),
    resource: text(fields['resource']),
    subresource: text(fields['subresource']),
    namespace: text(fields['namespace']),
    name: text(fields['name']),
    ...(selectedNode === undefined ? {} : { selectedNode }),
    ...sentSelector(fields, 'fieldSelector'),
    ...sentSelector(fields, 'labelSelector'),
  };
  return { asked, ignored };
}

function sentSelector(fields: Fields, field: SelectorField): { readonly [name in SelectorField]?: SentSelector } {
  const selector = fields[field];
  if (!isRecord(selector)) return {};
  const raw = text(selector['rawSelector']);
  return { [field]: raw !== '' ? raw : requirementsOf(selector).map(requirementOf) };
}

const nodeField = 'spec.nodeName';

/** The only part of a field selector that an authorizer here reads. */
function selectedNodeOf(selector: Fields, ignored: string[]): string | undefined {
  const raw = text(selector['rawSelector']);
  if (raw !== '') {
    try {
      return parseFieldSelector(raw).find(({ path, equal }) => equal && path === nodeField)?.value;
    } catch (err) {
      if (!(err instanceof BadRequest)) throw err;
      ignored.push(ignoredText('fieldSelector', false));
      return undefined;
    }
  }
  const all = requirementsOf(selector);
  const good = all.filter(
    ({ operator, values }) => (operator === 'In' || operator === 'NotIn') && texts(values).length === 1,
  );
  if (good.length < all.length) ignored.push(ignoredText('fieldSelector', good.length > 0));
  const found = good.find(({ key, operator }) => key === nodeField && operator === 'In');
  return found && texts(found['values'])[0];
}

const labelOperators = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

/** No authorizer here reads label selectors; a wrong one is reported all the same. */
function checkLabels(selector: Fields, ignored: string[]): void {
  const raw = text(selector['rawSelector']);
  if (raw !== '') {
    try {
      parseSelector(raw);
    } catch (err) {
      if (!(err instanceof BadRequest)) throw err;
      ignored.push(ignoredText('labelSelector', false));
    }
    return;
  }
  const all = requirementsOf(selector);
  const good = all.filter(({ operator }) => labelOperators.has(text(operator)));
  if (good.length < all.length) ignored.push(ignoredText('labelSelector', good.length > 0));
}

const ignoredText = (field: SelectorField, partially: boolean): string =>
  `spec.resourceAttributes.${field} ${partially ? 'partially ' : ''}ignored due to parse error`;

async function reviewRules({ rbac, owners }: AccessDeps, rest: RestRequest): Promise<Reply> {
  const review = await readReview(owners, rest);
  const namespace = text(review.spec['namespace']);
  if (namespace === '') throw new BadRequest('no namespace on request');
  const { user } = rest.request;
  // As upstream: only the rules of roles. That system:masters may do everything is none, but the group is bound to cluster-admin.
  const all = rbac.rulesFor(user, namespace);
  const isNode = nodeNameOf(user) !== undefined;
  // As upstream, the answer does not repeat the review.
  return reviewReply(
    rest,
    { metadata: {}, spec: {} },
    {
      resourceRules: all
        .filter((rule) => rule.resources)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups: apiGroups ?? [],
          resources,
          ...(resourceNames ? { resourceNames } : {}),
        })),
      nonResourceRules: all
        .filter((rule) => rule.nonResourceURLs)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      incomplete: isNode,
      ...(isNode ? { evaluationError: 'node authorizer does not support user rule resolution' } : {}),
    },
  );
}
