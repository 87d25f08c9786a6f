// Opens the audit log that the options describe. Composition only.
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Scope } from '../../base/scope';
import { Auditor, type AuditSink } from './auditor';
import { LogSink } from './log-sink';
import { readAuditPolicy } from './policy';
import { type LogWriter, RotatingFile, type Rotation } from './rotating-file';
import { WebhookSink, type WebhookSinkConfig } from './webhook-sink';

export interface AuditOptions {
  /** Text of the policy file, and its path for messages. */
  readonly policy: { readonly source: string; readonly file: string };
  /** A path, or a writer such as standard output. */
  readonly log?: string | LogWriter;
  readonly rotation: Rotation;
  readonly webhook?: WebhookSinkConfig;
}

interface AuditDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** The scope closes the log after it has written all events. @throws BadRequest, NodeJS.ErrnoException */
export async function openAudit(options: AuditOptions, deps: AuditDeps, scope: Scope): Promise<Auditor> {
  const policy = readAuditPolicy(options.policy.source, options.policy.file);
  const sinks: AuditSink[] = [];
  if (options.log !== undefined) {
    const sink = new LogSink(await openWriter(options.log, options.rotation, deps), deps.log.child('audit'));
    scope.defer(() => sink.close());
    sinks.push(sink);
  }
  if (options.webhook) {
    const sink = new WebhookSink(options.webhook, { clock: deps.clock, log: deps.log.child('audit') });
    scope.defer(() => sink.close());
    sinks.push(sink);
  }
  return new Auditor(policy, sinks, deps.clock);
}

async function openWriter(target: string | LogWriter, rotation: Rotation, { clock }: AuditDeps): Promise<LogWriter> {
  if (typeof target !== 'string') return target;
  const file = new RotatingFile(target, rotation, () => clock.now());
  await file.open();
  return file;
}
