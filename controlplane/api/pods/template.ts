// Field rules of pod templates: those of PodTemplates and of the workloads that create pods.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import { matchesSelector, selectorFromLabelSelector } from '../selector';
import type { LabelSelector } from '../types';
import { forbidden, immutable, invalid, invalidEach, newCauses, notSupported, required } from '../validation/causes';
import { validateAnnotations, validateLabels } from '../validation/metadata';
import { nonNegative } from '../validation/names';
import { validateLabelSelector } from '../validation/selectors';
import { defaultPodSpec } from './defaults';
import type { PodTemplate } from './types';
import { matchSeccompAnnotations, validatePodAnnotations } from './validate-annotations';
import { validatePodSpec } from './validate-spec';

interface WorkloadSpec {
  replicas?: number;
  selector: LabelSelector;
  template?: PodTemplate;
  minReadySeconds?: number;
}

/** Adds a missing template or spec as an empty one, so that validation reports each missing field. */
export function defaultTemplate(spec: { template?: PodTemplate }): void {
  spec.template ??= {};
  // Not an empty list: decoding drops empty lists, and setting defaults twice must change nothing.
  spec.template.spec ??= {} as NonNullable<PodTemplate['spec']>;
  defaultPodSpec(spec.template.spec);
}

/** Selector and template of ReplicaSets and Deployments, whose messages for both name the one or the other. */
export function validateReplicated({ selector, template }: WorkloadSpec, old: WorkloadSpec | undefined): FieldCause[] {
  return validateSelected(selector, { noun: 'deployment', wrong: 'invalid label selector' }, () => [
    ...validateTemplate(template, old?.template, { selector, field: 'spec.template' }),
    ...onlyAlways(template, 'spec.template', 'ReplicaSet'),
  ]);
}

export const validateAmount = (
  name: 'replicas' | 'minReadySeconds',
  { [name]: amount = 0 }: WorkloadSpec,
): FieldCause[] => invalidEach(`spec.${name}`, amount, nonNegative(amount));

interface SelectorMessages {
  /** The workload in the message for an empty selector. */
  readonly noun: string;
  /** For a selector that cannot select. */
  readonly wrong: string;
}

/** A selector, which must be there; the template is judged by a valid one only. */
export function validateSelected(
  selector: LabelSelector | undefined,
  { noun, wrong }: SelectorMessages,
  ofTemplate: () => readonly FieldCause[],
): FieldCause[] {
  const causes = validateLabelSelector(selector, 'spec.selector');
  return [
    ...(selector ? [] : [required('spec.selector')]),
    ...causes,
    ...validateNotEmpty(selector, noun),
    ...(causes.length > 0 ? [invalid('spec.selector', selector, wrong)] : ofTemplate()),
  ];
}

/** `noun` is the workload in the message. */
export function validateNotEmpty(selector: LabelSelector | undefined, noun: string): FieldCause[] {
  const empty = selector && !selector.matchLabels && !selector.matchExpressions?.length;
  return empty ? [invalid('spec.selector', selector, `empty selector is invalid for ${noun}`)] : [];
}

export function validateSelectorUpdate(
  selector: LabelSelector | undefined,
  old: { selector?: LabelSelector } | undefined,
): FieldCause[] {
  return old && !isDeepStrictEqual(selector, old.selector) ? [invalid('spec.selector', selector, immutable)] : [];
}

interface Place {
  /** Absent: matches no labels at all. */
  readonly selector: LabelSelector | undefined;
  readonly field: string;
}

/** A template, whose labels the selector must match. Errors that `old` has too are ignored. */
export function validateTemplate(
  template: PodTemplate | undefined,
  old: PodTemplate | undefined,
  { selector, field }: Place,
): FieldCause[] {
  return [...matchLabels(template, selector, field), ...validateLoneTemplate(template, old, field)];
}

/** A template that no selector has to match. Errors that `old` has too are ignored. */
export function validateLoneTemplate(
  template: PodTemplate | undefined,
  old: PodTemplate | undefined,
  field: string,
): FieldCause[] {
  const causes = validateTemplateFields(template ?? {}, field);
  return newCauses(causes, () => (old ? validateTemplateFields(old, field) : []));
}

/** Without a selector, no labels match. */
export function matchLabels(
  template: PodTemplate | undefined,
  selector: LabelSelector | undefined,
  field: string,
): FieldCause[] {
  const labels = template?.metadata?.labels;
  const matches = selector !== undefined && matchesSelector(selectorFromLabelSelector(selector) ?? [], labels);
  if (matches) return [];
  return [invalid(`${field}.metadata.labels`, labels, '`selector` does not match template `labels`')];
}

function validateTemplateFields({ metadata, spec }: PodTemplate, field: string): FieldCause[] {
  const { labels, annotations } = metadata ?? {};
  const own = [
    ...validateLabels(labels, `${field}.labels`),
    ...validateAnnotations(annotations, `${field}.annotations`),
  ];
  if (!spec) return [...own, required(`${field}.spec.containers`)];
  return [
    ...own,
    ...validatePodAnnotations(annotations, spec, `${field}.annotations`),
    ...validatePodSpec(spec, `${field}.spec`, { isPod: false }),
    ...matchSeccompAnnotations(metadata, spec, `${field}.spec`),
    ...(spec.ephemeralContainers?.length
      ? [forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]
      : []),
  ];
}

/** For workloads whose pods run forever; `noun` is the workload's kind. */
export function onlyAlways(template: PodTemplate | undefined, field: string, noun: string): FieldCause[] {
  const { restartPolicy = 'Always', activeDeadlineSeconds } = template?.spec ?? {};
  return [
    ...(restartPolicy === 'Always' ? [] : [notSupported(`${field}.spec.restartPolicy`, restartPolicy, ['Always'])]),
    ...(activeDeadlineSeconds === undefined
      ? []
      : [forbidden(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${noun} is not Supported`)]),
  ];
}
