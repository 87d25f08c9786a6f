// A conversion webhook on loopback, and a definition with three versions that it converts between. At v1 an address is one text,
// at v2 two fields, at v3 an object. v1 and v2 have a default of their own.

import type { KeyPair } from '../../controlplane/pki/certificate';
import { base64, type Review, startWebhook, type WebhookServer } from './webhook-server';

export const group = 'conv.example.com';
export const definitionName = `things.${group}`;

interface Spec {
  hostPort?: string;
  host?: string;
  port?: string;
  addr?: { host?: string; port?: string };
  d1?: string;
  d2?: string;
}
interface Thing {
  apiVersion: string;
  spec?: Spec;
}

/** What the webhook makes of one object. */
export function convertThing(thing: Thing, to: string): Thing {
  const { hostPort, host, port, addr, d1: _, d2: __, ...rest } = thing.spec ?? {};
  const [before, after] = hostPort?.split(':') ?? [host ?? addr?.host, port ?? addr?.port];
  const parts = { ...(before === undefined ? {} : { host: before }), ...(after === undefined ? {} : { port: after }) };
  const forms: Record<string, Spec> = {
    v1: before === undefined && after === undefined ? {} : { hostPort: `${before ?? ''}:${after ?? ''}` },
    v2: parts,
    v3: Object.keys(parts).length > 0 ? { addr: parts } : {},
  };
  return { ...thing, apiVersion: to, spec: { ...rest, ...forms[to.split('/')[1]!] } };
}

export interface ConversionAnswer {
  apiVersion?: string;
  kind?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests put anything into an answer.
  response?: any;
}
/** Changes the right answer before it is sent, or replaces it by a text. */
export type Spoil = (
  answer: ConversionAnswer,
  request: Review,
) => ConversionAnswer | string | Promise<ConversionAnswer | string>;

export interface ConversionWebhook extends WebhookServer {
  /** `v1>v2` for each object of each call, calls separated by a blank, since the last call of this function. */
  calls(): string;
  /** For all later calls; undefined: the webhook answers as it should. */
  spoil(by: Spoil | undefined): void;
}

export async function startConversion(key: KeyPair): Promise<ConversionWebhook> {
  let spoiling: Spoil | undefined;
  let seen = 0;
  const hook = await startWebhook(key, async (request, _path) => {
    const { uid, desiredAPIVersion: to, objects } = request;
    const answer: ConversionAnswer = {
      kind: 'ConversionReview',
      apiVersion: hook.reviews.at(-1).apiVersion,
      response: {
        uid,
        result: { status: 'Success' },
        convertedObjects: objects.map((object: Thing) => convertThing(object, to)),
      },
    };
    const sent = spoiling ? await spoiling(answer, request) : answer;
    return { raw: typeof sent === 'string' ? sent : JSON.stringify(sent) };
  });
  return {
    ...hook,
    calls() {
      const fresh = hook.reviews.slice(seen);
      seen = hook.reviews.length;
      const version = (apiVersion: string) => apiVersion.split('/')[1];
      return fresh
        .map(({ objects, desiredAPIVersion: to }: Review) =>
          objects.map((one: Thing) => `${version(one.apiVersion)}>${version(to)}`).join('+'),
        )
        .join(' ');
    },
    spoil(by) {
      spoiling = by;
    },
  };
}

const text = { type: 'string' };
const schemaOf = (properties: object) => ({
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { keep: text, replicas: { type: 'integer' }, ...properties } },
      status: { type: 'object', properties: { ready: { type: 'boolean' }, replicas: { type: 'integer' } } },
    },
  },
});
const subresources = {
  status: {},
  scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
};

/** The three versions, of which `storage` is stored. */
export const thingVersions = (storage = 'v1') =>
  [
    {
      name: 'v1',
      schema: schemaOf({ hostPort: text, d1: { ...text, default: 'one' } }),
      selectableFields: [{ jsonPath: '.spec.hostPort' }],
    },
    {
      name: 'v2',
      schema: schemaOf({ host: text, port: text, d2: { ...text, default: 'two' } }),
      selectableFields: [{ jsonPath: '.spec.host' }],
      additionalPrinterColumns: [{ name: 'Host', type: 'string', jsonPath: '.spec.host' }],
    },
    { name: 'v3', schema: schemaOf({ addr: { type: 'object', properties: { host: text, port: text } } }) },
  ].map((version) => ({ ...version, served: true, storage: version.name === storage, subresources }));

export const webhookStrategy = (url: string, ca: string, conversionReviewVersions: readonly string[] = ['v1']) => ({
  strategy: 'Webhook',
  webhook: { conversionReviewVersions, clientConfig: { url, caBundle: base64(ca) } },
});

export const thingDefinition = (conversion: object, versions: readonly object[] = thingVersions()) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: definitionName },
  spec: { group, scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions, conversion },
});

export const thing = (version: string, name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: `${group}/${version}`,
  kind: 'Thing',
  metadata: { name, ...metadata },
  spec,
});

/** The path of the collection or of an object. */
export const things = (version: string, name = ''): string =>
  `/apis/${group}/${version}/namespaces/default/things${name === '' ? '' : `/${name}`}`;
