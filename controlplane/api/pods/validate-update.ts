// Which fields of a pod's spec may change after its creation.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach } from '../validation/causes';
import { difference, isSame } from '../validation/difference';
import { inRange } from '../validation/names';
import type { Container, PodSpec } from './types';
import { judgeGatedUpdate } from './validate-gated-update';

const rule =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function validatePodUpdate(spec: PodSpec, old: PodSpec): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list] ?? []).length !== (old[list] ?? []).length) {
      return [forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
  }
  const deadline = spec.activeDeadlineSeconds;
  causes.push(...validateDeadline(deadline, old.activeDeadlineSeconds));
  // As upstream, which looks at nothing else then.
  if (causes.length > 0 && deadline !== undefined) return causes;
  causes.push(...validateTolerations(spec, old));
  const changed = masked(spec, old);
  if (!old.schedulingGates?.length) return [...causes, ...unchangeable(changed, old)];
  const gated = judgeGatedUpdate(changed, old);
  return [...causes, ...gated.causes, ...unchangeable(gated.rest, old)];
}

const unchangeable = (changed: PodSpec, old: PodSpec): FieldCause[] =>
  isSame(changed, old) ? [] : [forbidden('spec', `${rule}\n${difference(old, changed)}`)];

/** `spec` with the old value in every field that may change. */
function masked(spec: PodSpec, old: PodSpec): PodSpec {
  const images = (containers: Container[] | undefined, before: Container[] | undefined) =>
    containers?.map((container, i) => ({ ...container, image: before?.[i]?.image }));
  return {
    ...spec,
    containers: images(spec.containers, old.containers) ?? [],
    initContainers: images(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    // Gates may only be removed; without gates the pod can be scheduled.
    schedulingGates: old.schedulingGates,
    terminationGracePeriodSeconds:
      (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
        ? old.terminationGracePeriodSeconds
        : spec.terminationGracePeriodSeconds,
  };
}

function validateDeadline(deadline: number | undefined, old: number | undefined): FieldCause[] {
  const field = 'spec.activeDeadlineSeconds';
  if (deadline === undefined) {
    return old === undefined ? [] : [invalid(field, undefined, 'must not update from a positive integer to nil value')];
  }
  const wrong = inRange(deadline, 0, 2 ** 31 - 1);
  if (wrong.length > 0) return invalidEach(field, deadline, wrong);
  if (old !== undefined && old < deadline) {
    return [invalid(field, deadline, 'must be less than or equal to previous value')];
  }
  return [];
}

function validateTolerations({ tolerations = [], schedulingGates = [] }: PodSpec, old: PodSpec): FieldCause[] {
  const causes: FieldCause[] = [];
  const same = (a: { tolerationSeconds?: number }, b: { tolerationSeconds?: number }) =>
    isDeepStrictEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });
  if ((old.tolerations ?? []).some((before) => !tolerations.some((now) => same(before, now)))) {
    causes.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  }
  const gates = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  schedulingGates.forEach(({ name }, i) => {
    if (!gates.has(name)) {
      causes.push(
        forbidden(
          `spec.schedulingGates[${i}].name`,
          `only deletion is allowed, but found new scheduling gate '${name}'`,
        ),
      );
    }
  });
  return causes;
}
