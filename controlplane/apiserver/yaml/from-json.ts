// Answers in YAML, for clients that ask for them: what would have been sent as JSON, with its keys sorted as upstream does.
import { dump } from 'js-yaml';
import type { FullReply, Reply } from '../request';

/** A JSON answer as YAML; any other answer as it is. */
export function toYaml<T extends Reply>(reply: T): T | FullReply {
  if (!('body' in reply) || reply.type !== 'application/json') return reply;
  const value: unknown = JSON.parse(reply.body.toString());
  const text = dump(value, { sortKeys: true, lineWidth: -1, noRefs: true });
  const { status, headers } = reply;
  return { status, type: 'application/yaml', body: Buffer.from(text), ...(headers ? { headers } : {}) };
}
