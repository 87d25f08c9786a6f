// Decides for each request whether and how it is recorded, and passes the events to where they are kept.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/clock';
import { header, queryOf } from '../request';
import type { AuditPolicy } from './policy';
import { AuditRecord, type Emit } from './record';
import type { AuditedRequest } from './request-fields';
import { requestInfo } from './request-info';

/** Longer ids of clients are cut, so that an event stays small. */
const maxIdLength = 64;

export interface AuditSink {
  readonly emit: Emit;
  readonly events: number;
  readonly dropped: number;
}

export class Auditor {
  constructor(
    private readonly policy: AuditPolicy,
    private readonly sinks: readonly AuditSink[],
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** The id of the request, which its answer names, and its record; no record when the policy says None. */
  begin(request: AuditedRequest): { readonly id: string; readonly record?: AuditRecord } {
    const id = header(request.headers, 'audit-id').slice(0, maxIdLength) || randomUUID();
    const query = queryOf(request);
    const info = requestInfo(request.method, request.path, query);
    const decision = this.policy.decide(info, request.user);
    if (decision.level === 'None') return { id };
    const emit: Emit = (line) => {
      for (const sink of this.sinks) sink.emit(line);
    };
    return { id, record: new AuditRecord(id, request, info, decision, { emit, now: () => this.clock.now() }) };
  }

  /** For /metrics, with upstream's names. */
  counters(): Readonly<Record<string, number>> {
    const sum = (of: (sink: AuditSink) => number) => this.sinks.reduce((total, sink) => total + of(sink), 0);
    return {
      apiserver_audit_event_total: sum(({ events }) => events),
      apiserver_audit_error_total: sum(({ dropped }) => dropped),
    };
  }
}
