// Field rules shared by the workloads that make pods from a template: Deployment and ReplicaSet.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import { matchesSelector, selectorFromLabelSelector } from '../selector';
import type { LabelSelector } from '../types';
import { immutable, invalid, invalidEach, required } from '../validation/causes';
import { validateAnnotations, validateLabels } from '../validation/metadata';
import { nonNegative } from '../validation/names';
import { validateLabelSelector } from '../validation/selectors';
import type { PodTemplate } from './types';
import { validatePodSpec, validateTemplateSpec } from './validate-spec';

interface WorkloadSpec {
  replicas?: number;
  selector: LabelSelector;
  template?: PodTemplate;
  minReadySeconds?: number;
}

/** Replicas, selector and template; the selector is fixed once set and must match the template's labels. */
export function validateWorkload(spec: WorkloadSpec, old: WorkloadSpec | undefined): FieldCause[] {
  const { selector, template, replicas = 0, minReadySeconds = 0 } = spec;
  const causes = invalidEach('spec.replicas', replicas, nonNegative(replicas));
  causes.push(...invalidEach('spec.minReadySeconds', minReadySeconds, nonNegative(minReadySeconds)));
  if (!selector) causes.push(required('spec.selector'));
  else {
    causes.push(...validateLabelSelector(selector, 'spec.selector'));
    if (!selector.matchLabels && !selector.matchExpressions?.length) {
      causes.push(invalid('spec.selector', selector, 'empty selector is invalid for deployment'));
    }
  }
  if (old && !isDeepStrictEqual(selector, old.selector)) causes.push(invalid('spec.selector', selector, immutable));
  return [...causes, ...validatePodTemplate(template, selector, 'spec.template')];
}

/** A template at `field`, whose labels must match the selector where there is one; `restart` are the policies allowed. */
export function validatePodTemplate(
  template: PodTemplate | undefined,
  selector: LabelSelector | undefined,
  field: string,
  restart?: readonly string[],
): FieldCause[] {
  if (!template) return [required(field)];
  const { labels, annotations } = template.metadata ?? {};
  const requirements = selectorFromLabelSelector(selector);
  const causes: FieldCause[] = [];
  if (requirements && requirements.length > 0 && !matchesSelector(requirements, labels)) {
    causes.push(invalid(`${field}.metadata.labels`, labels ?? {}, '`selector` does not match template `labels`'));
  }
  return [
    ...causes,
    ...validateLabels(labels, `${field}.labels`),
    ...validateAnnotations(annotations, `${field}.annotations`),
    ...(restart
      ? validateOwnPolicy(template.spec, `${field}.spec`, restart)
      : validateTemplateSpec(template.spec, `${field}.spec`)),
  ];
}

function validateOwnPolicy(spec: PodTemplate['spec'], field: string, restart: readonly string[]): FieldCause[] {
  return spec ? validatePodSpec(spec, field, restart) : [required(`${field}.containers`)];
}
