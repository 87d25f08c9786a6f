// The pod that a Job creates, and what a pod of a completion index has in addition.
import { type Job, jobs } from '../../api/job';
import {
  completionIndexAnnotation,
  completionIndexVariable,
  indexFailureCountAnnotation,
  indexIgnoredFailureCountAnnotation,
} from '../../api/jobs/names';
import type { Pod } from '../../api/pod';
import type { Container, PodSpec } from '../../api/pods/types';
import { controllerReference } from '../shared/owner';
import type { Place } from './plan-pods';
import { trackingFinalizer } from './pod-state';

/** The server adds five characters to a name that it generates; a name of 63 is a DNS label. */
const maxGeneratedPrefix = 58;

export function renderPod(job: Job, place?: Place): Pod {
  const { metadata, spec } = job.spec?.template ?? {};
  const name = job.metadata?.name ?? '';
  const indexed = place && indexedParts(place);
  return {
    metadata: {
      generateName: place ? indexedPrefix(name, place.index) : `${name}-`,
      namespace: job.metadata?.namespace,
      labels: { ...metadata?.labels, ...indexed?.labels },
      annotations: { ...metadata?.annotations, ...indexed?.annotations },
      finalizers: [...new Set([...(metadata?.finalizers ?? []), trackingFinalizer])],
      ownerReferences: [controllerReference(jobs, job)],
    },
    spec: place && spec ? withIndex(spec, `${name}-${place.index}`) : spec,
  };
}

/** A long name of the Job is cut, never the index. */
function indexedPrefix(name: string, index: number): string {
  const suffix = `-${index}-`;
  return name.slice(0, maxGeneratedPrefix - suffix.length) + suffix;
}

function indexedParts({ index, failures }: Place) {
  const own = { [completionIndexAnnotation]: String(index) };
  if (!failures) return { labels: own, annotations: own };
  const { counted, ignored } = failures;
  return {
    labels: own,
    annotations: {
      ...own,
      [indexFailureCountAnnotation]: String(counted),
      ...(ignored > 0 ? { [indexIgnoredFailureCountAnnotation]: String(ignored) } : {}),
    },
  };
}

function withIndex(spec: PodSpec, hostname: string): PodSpec {
  const { containers, initContainers } = spec;
  return {
    ...spec,
    hostname,
    containers: containers.map(withVariable),
    ...(initContainers ? { initContainers: initContainers.map(withVariable) } : {}),
  };
}

/** A variable of the template with this name stays. */
function withVariable(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === completionIndexVariable)) return container;
  const fieldPath = `metadata.labels['${completionIndexAnnotation}']`;
  return { ...container, env: [...env, { name: completionIndexVariable, valueFrom: { fieldRef: { fieldPath } } }] };
}
