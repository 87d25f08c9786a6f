// The types of the variables that admission expressions have: request and namespaceObject. Source: BuildRequestType and
// BuildNamespaceType of k8s.io/apiserver/pkg/admission/plugin/cel.
import type { FieldSchema } from '../../api/schema/schema';

const text: FieldSchema = { type: 'string' };
const integer: FieldSchema = { type: 'integer' };
const time: FieldSchema = { type: 'string', format: 'date-time' };
const texts: FieldSchema = { type: 'array', items: text };
const textMap: FieldSchema = { type: 'map', items: text };
const object = (fields: Readonly<Record<string, FieldSchema>>): FieldSchema => ({ type: 'object', object: { fields } });

const kind = object({ group: text, version: text, kind: text });
const resource = object({ group: text, version: text, resource: text });

/** The parts of admission.k8s.io/v1 AdmissionRequest that expressions read as `request`. */
export const requestType = object({
  kind,
  resource,
  subResource: text,
  requestKind: kind,
  requestResource: resource,
  requestSubResource: text,
  name: text,
  namespace: text,
  operation: text,
  userInfo: object({ username: text, uid: text, groups: texts, extra: { type: 'map', items: texts } }),
  dryRun: { type: 'boolean' },
  options: { type: 'any' },
});

export const namespaceType = object({
  metadata: object({
    name: text,
    generateName: text,
    namespace: text,
    labels: textMap,
    annotations: textMap,
    UID: text,
    creationTimestamp: time,
    deletionGracePeriodSeconds: integer,
    deletionTimestamp: time,
    generation: integer,
    resourceVersion: text,
    finalizers: texts,
  }),
  spec: object({ finalizers: texts }),
  status: object({
    conditions: {
      type: 'array',
      items: object({ status: text, type: text, lastTransitionTime: time, message: text, reason: text }),
    },
    phase: text,
  }),
});
