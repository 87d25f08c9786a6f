// What the benchmark of the API sends: objects, paths and calls, the same for every server.
import { loadSchemas } from '../../controlplane/api/schema/load';
import { encodeMessage } from '../../controlplane/apiserver/protobuf/encode';
import { protobufType, sealEnvelope } from '../../controlplane/apiserver/protobuf/envelope';
import type { Call } from './api-connection';

export const namespace = 'bench';
export const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
export const podsPath = `/api/v1/namespaces/${namespace}/pods`;
export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const customPath = `/apis/bench.example.com/v1/namespaces/${namespace}/benches`;
export const webhooksPath = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

const data = { key: 'x'.repeat(512) };
const labels = (i: number) => ({ app: 'bench', shard: String(i % 10) });

export const configMap = (name: string, i: number) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: labels(i) },
  data,
});

export const pod = (i: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${i}`, labels: { app: 'bench' } },
  spec: {
    // No scheduler of that name runs: the pods stay unchanged.
    schedulerName: 'nobody',
    containers: [{ name: 'c', image: 'busybox:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }],
  },
});

/** A kind like ConfigMap, with a schema of its own. */
export const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'benches.bench.example.com' },
  spec: {
    group: 'bench.example.com',
    scope: 'Namespaced',
    names: { plural: 'benches', singular: 'bench', kind: 'Bench' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { data: { type: 'object', additionalProperties: { type: 'string' } } },
          },
        },
      },
    ],
  },
};

export const custom = (i: number) => ({
  apiVersion: 'bench.example.com/v1',
  kind: 'Bench',
  metadata: { name: `b${i}`, labels: labels(i) },
  data,
});

/** A webhook that is asked about ConfigMaps, but for none of the benchmark's. Nothing listens at its address. */
export const webhook = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'bench' },
  webhooks: [
    {
      name: 'bench.example.com',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
      clientConfig: { url: 'https://127.0.0.1:9/never' },
      objectSelector: { matchLabels: { app: 'another' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['*'] }],
    },
  ],
};

export const patch = (path: string, mark: string): Call => ({
  method: 'PATCH',
  path,
  type: 'application/merge-patch+json',
  body: { metadata: { annotations: { 'bench-mark': mark } } },
});

/** Requests and answers as client-go sends them for built-in kinds. */
export class ProtobufCalls {
  private readonly schema = loadSchemas().ofModel('V1ConfigMap');

  create(path: string, name: string, i: number): Call {
    const object = configMap(name, i);
    const body = sealEnvelope(object, encodeMessage(object, this.schema));
    return { method: 'POST', path, body, type: protobufType, accept: protobufType };
  }

  get(path: string): Call {
    return { method: 'GET', path, accept: protobufType };
  }
}
