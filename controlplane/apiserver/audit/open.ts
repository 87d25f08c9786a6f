// Opens the audit log that the options describe. Composition only.
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Scope } from '../../base/scope';
import { Auditor } from './auditor';
import { LogSink } from './log-sink';
import { readAuditPolicy } from './policy';
import { type LogWriter, RotatingFile, type Rotation } from './rotating-file';

export interface AuditOptions {
  /** Text of the policy file, and its path for messages. */
  readonly policy: { readonly source: string; readonly file: string };
  /** A path, or a writer such as standard output. */
  readonly log: string | LogWriter;
  readonly rotation: Rotation;
}

/** The scope closes the log after it has written all events. @throws BadRequest, NodeJS.ErrnoException */
export async function openAudit(
  { policy, log: target, rotation }: AuditOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  scope: Scope,
): Promise<Auditor> {
  const read = readAuditPolicy(policy.source, policy.file);
  const writer = typeof target === 'string' ? new RotatingFile(target, rotation, () => clock.now()) : target;
  if (writer instanceof RotatingFile) await writer.open();
  const sink = new LogSink(writer, log.child('audit'));
  scope.defer(() => sink.close());
  return new Auditor(read, [sink], clock);
}
