// What a request to the kubelet asks for, in the terms of the API's authorization: subresources of its Node. Pure.
// Source: kubernetes.io "Kubelet authentication/authorization".

export interface RequestAttributes {
  /** '' for a method without a verb, such as HEAD: only roles with all verbs allow it. */
  readonly verb: string;
  /** Subresources of the Node; a user who may use one of them may send the request. */
  readonly subresources: readonly string[];
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** By the first segment of the path. All others are `proxy`. `path` has one for each of its parts: to look is less than to send. */
const subresources: ReadonlyMap<string, readonly string[]> = new Map([
  ['stats', ['stats']],
  ['metrics', ['metrics']],
  ['logs', ['log']],
  ['pods', ['pods', 'proxy']],
  ['runningpods', ['pods', 'proxy']],
  ['healthz', ['healthz', 'proxy']],
  ['configz', ['configz', 'proxy']],
]);

const packetPath: ReadonlyMap<string, readonly string[]> = new Map([
  ['hops', ['hops']],
  ['probe', ['probe']],
  ['traffic', ['traffic']],
]);

/** `segments` are the decoded parts of the path, the same ones by which the request is served. */
export const attributesOf = (method: string, [first = '', second = '']: readonly string[]): RequestAttributes => ({
  verb: verbs[method] ?? '',
  subresources: (first === 'path' ? packetPath.get(second) : subresources.get(first)) ?? ['proxy'],
});
