// Kinds that are requested but never stored: reviews, tokens, bindings, evictions, the scale subresource and component statuses. They
// have a schema and are in discovery; the API server computes their answers.
import { componentStatuses } from './component-status';
import { defineKind, type Kind, type KindOptions } from './kind';
import { ageColumn, nameColumn } from './table';
import type { KubeObject } from './types';

/** A kind with the verb create only; for a subresource, discovery lists it under its parent. */
function virtual(
  group: string,
  kind: string,
  plural: string,
  namespaced: boolean,
  model = `V1${kind}`,
  more: Pick<KindOptions<KubeObject>, 'columns' | 'sentAs'> = {},
): Kind<KubeObject> {
  const schema = { model };
  return defineKind<KubeObject>({
    group,
    version: 'v1',
    kind,
    plural,
    namespaced,
    schema,
    verbs: ['create'],
    ...more,
  });
}

/** The replicas of its spec or status. */
const replicasIn = (part: unknown): number => (part as { replicas?: number } | undefined)?.replicas ?? 0;

export const scales = virtual('autoscaling', 'Scale', 'scale', true, 'V1Scale', {
  columns: [
    { ...nameColumn, format: '' },
    {
      name: 'Desired',
      type: 'integer',
      description: 'Number of replicas that the scaled object is to have.',
      cell: (scale) => replicasIn((scale as { spec?: unknown }).spec),
    },
    {
      name: 'Available',
      type: 'integer',
      description: 'Number of replicas that the scaled object has.',
      cell: (scale) => replicasIn((scale as { status?: unknown }).status),
    },
    ageColumn,
  ],
});
export const bindings = virtual('', 'Binding', 'bindings', true);
export const evictions = virtual('policy', 'Eviction', 'eviction', true, 'V1Eviction', {
  sentAs: ['policy/v1beta1'],
});
export const tokenRequests = virtual(
  'authentication.k8s.io',
  'TokenRequest',
  'token',
  true,
  'AuthenticationV1TokenRequest',
);
export const tokenReviews = virtual('authentication.k8s.io', 'TokenReview', 'tokenreviews', false);
export const selfSubjectReviews = virtual('authentication.k8s.io', 'SelfSubjectReview', 'selfsubjectreviews', false);
export const subjectAccessReviews = virtual(
  'authorization.k8s.io',
  'SubjectAccessReview',
  'subjectaccessreviews',
  false,
);
const localSubjectAccessReviews = virtual(
  'authorization.k8s.io',
  'LocalSubjectAccessReview',
  'localsubjectaccessreviews',
  true,
);
const selfSubjectAccessReviews = virtual(
  'authorization.k8s.io',
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  false,
);
const selfSubjectRulesReviews = virtual(
  'authorization.k8s.io',
  'SelfSubjectRulesReview',
  'selfsubjectrulesreviews',
  false,
);

/** Resources of their own, served under /api and /apis. */
export const virtualResources: readonly Kind[] = [
  bindings,
  componentStatuses,
  tokenReviews,
  selfSubjectReviews,
  subjectAccessReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
];

/** Bodies of subresources, which have no path of their own. */
export const bodyKinds: readonly Kind[] = [scales, evictions, tokenRequests];

/** Every kind that is requested but never stored. */
export const virtualKinds: readonly Kind[] = [...virtualResources, ...bodyKinds];
