// The record of one request: gathers what its events show, and sends one event for each stage that the policy does not omit.
import type { KubeObject, Status } from '../../api/types';
import { type FullReply, header, jsonType, type Reply, type UserInfo } from '../request';
import type { Decision, Stage } from './policy';
import { type AuditedRequest, renderTime, sourceIps, userFields } from './request-fields';
import { isLongRunning, type RequestInfo } from './request-info';

/** Takes a finished event, as one line of JSON without a line end. Must neither wait nor throw. */
export type Emit = (line: string) => void;

/** Longer objects are left out of the event, with the annotation below: a list can have a hundred megabytes. */
const maxObjectBytes = 1024 * 1024;
const truncated = 'audit.k8s.io/truncated';
/** A Status is small; a longer body is not read. */
const maxStatusBytes = 64 * 1024;
const statusHead = '{"kind":"Status"';

export class AuditRecord {
  private readonly annotations = new Map<string, string>();
  private readonly receivedMs: number;
  private impersonated: UserInfo | undefined;
  private constraint = '';
  private reference: Record<string, string> | undefined;
  private requestObject: string | undefined;
  private responseObject: string | undefined;
  private responseStatus: object | undefined;
  private finished = false;

  constructor(
    readonly id: string,
    private readonly request: AuditedRequest,
    private readonly info: RequestInfo,
    private readonly decision: Decision,
    private readonly deps: { readonly emit: Emit; readonly now: () => number },
  ) {
    this.receivedMs = deps.now();
    this.reference = info.resource && referenceOf(info.resource);
    this.stage('RequestReceived', this.receivedMs);
  }

  annotate(key: string, value: string): void {
    this.annotations.set(key, value);
  }

  /** `constraint`: the verb of the narrower permission that allows it; '' for the old one. */
  actsAs(user: UserInfo, constraint: string): void {
    this.impersonated = user;
    this.constraint = constraint;
  }

  /** The object in the body, before anything changes it. Only the first call counts: a write may decode its body again. */
  sent(object: KubeObject): void {
    const { metadata } = object;
    if (this.reference && metadata) {
      this.reference = {
        ...this.reference,
        ...(!this.reference['namespace'] && metadata.namespace ? { namespace: metadata.namespace } : {}),
        ...(!this.reference['name'] && metadata.name ? { name: metadata.name } : {}),
        ...(metadata.uid ? { uid: metadata.uid } : {}),
        ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
      };
    }
    if (this.wants('Request')) this.requestObject ??= this.objectText(() => JSON.stringify(object));
  }

  /** A patch or options: JSON, as the client sent it. The caller has parsed it. */
  sentText(json: Buffer): void {
    if (this.wants('Request') && json.length > 0) this.requestObject ??= this.objectText(() => json.toString());
  }

  /** Ends the record with the answer; of a stream the record ends with the stream. Returns the reply to send. */
  answered(reply: Reply): Reply {
    const headers = { ...reply.headers, 'audit-id': this.id };
    if ('body' in reply) {
      this.readAnswer(reply);
      this.finish();
      return { ...reply, headers };
    }
    this.started(reply.status);
    return {
      ...reply,
      headers,
      start: (sink) => {
        sink.onClose(() => this.finish());
        reply.start(sink);
      },
    };
  }

  /** A stream or an upgraded connection has begun; finish() ends its record. */
  started(code: number): void {
    this.responseStatus = { metadata: {}, code };
    if (isLongRunning(this.info)) this.stage('ResponseStarted');
  }

  /** The server has failed in a way that it does not know. */
  panicked(message: string): void {
    const reason = 'InternalError';
    this.responseStatus = {
      metadata: {},
      status: 'Failure',
      message: `APIServer panic'd: ${message}`,
      reason,
      code: 500,
    };
    this.finish('Panic');
  }

  /** Nothing happens when it has ended. */
  finish(stage: Stage = 'ResponseComplete'): void {
    if (this.finished) return;
    this.finished = true;
    this.responseStatus ??= { metadata: {}, status: 'Success', message: 'Connection closed early', code: 200 };
    this.stage(stage);
  }

  /** Why credentials were refused. */
  refused(status: Status): void {
    this.responseStatus = statusFields(status);
  }

  private readAnswer({ status: code, type, body }: FullReply): void {
    const isJson = type === jsonType;
    if (isJson && body.length < maxStatusBytes && body.toString('utf8', 0, statusHead.length) === statusHead) {
      this.responseStatus ??= statusFields(JSON.parse(body.toString()) as Status);
    }
    this.responseStatus ??= { metadata: {}, code };
    if (!this.info.resource || !this.wants('RequestResponse')) return;
    if (isJson) this.responseObject = this.objectText(() => body.toString().trimEnd(), body.length);
    // Protobuf, and text such as a log.
    else this.annotate(truncated, 'true');
  }

  private wants(level: 'Request' | 'RequestResponse'): boolean {
    return this.decision.level === 'RequestResponse' || this.decision.level === level;
  }

  private objectText(render: () => string, length = 0): string | undefined {
    const text = length > maxObjectBytes ? undefined : render();
    if (text === undefined || text.length > maxObjectBytes) {
      this.annotate(truncated, 'true');
      return undefined;
    }
    return this.decision.omitManagedFields ? withoutManagedFields(text) : text;
  }

  private stage(stage: Stage, nowMs = this.deps.now()): void {
    if (this.decision.omitStages.has(stage)) return;
    const { request, info, impersonated } = this;
    const agent = header(request.headers, 'user-agent');
    const head = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: this.decision.level,
      auditID: this.id,
      stage,
      requestURI: request.search === '' ? request.path : `${request.path}?${request.search}`,
      verb: info.verb,
      user: request.user ? userFields(request.user) : {},
      ...(impersonated ? { impersonatedUser: userFields(impersonated) } : {}),
      ...(this.constraint === '' ? {} : { authenticationMetadata: { impersonationConstraint: this.constraint } }),
      sourceIPs: sourceIps(request),
      ...(agent === '' ? {} : { userAgent: agent }),
      ...(this.reference ? { objectRef: this.reference } : {}),
      ...(this.responseStatus ? { responseStatus: this.responseStatus } : {}),
    };
    const tail = {
      requestReceivedTimestamp: renderTime(this.receivedMs),
      stageTimestamp: renderTime(nowMs),
      ...(this.annotations.size > 0 ? { annotations: Object.fromEntries([...this.annotations].sort()) } : {}),
    };
    // The objects are JSON already: they are put in as they are.
    const objects = [
      ...(this.requestObject === undefined ? [] : [`"requestObject":${this.requestObject}`]),
      ...(this.responseObject === undefined ? [] : [`"responseObject":${this.responseObject}`]),
    ];
    this.deps.emit([JSON.stringify(head).slice(0, -1), ...objects, JSON.stringify(tail).slice(1)].join(','));
  }
}

function referenceOf({ group, version, resource, namespace, name, subresource }: NonNullable<RequestInfo['resource']>) {
  return {
    resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === '' ? {} : { subresource }),
  };
}

/** The parts of a Status that every level shows. */
function statusFields({ status, message, reason, details, code }: Status): object {
  return { metadata: {}, status, message, reason, details, code };
}

function withoutManagedFields(json: string): string {
  const value = JSON.parse(json) as KubeObject & { items?: KubeObject[] };
  for (const one of [value, ...(Array.isArray(value.items) ? value.items : [])]) {
    const metadata = one?.metadata as { managedFields?: unknown } | undefined;
    if (metadata) delete metadata.managedFields;
  }
  return JSON.stringify(value);
}
