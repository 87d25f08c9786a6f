// Options of `k8ts server` about the audit log, with upstream's names.
import { readFile } from 'node:fs/promises';
import type { AuditOptions } from '../apiserver/audit/open';
import { readAuditPolicy } from '../apiserver/audit/policy';
import type { LogWriter } from '../apiserver/audit/rotating-file';
import { BadRequest } from '../base/errors';
import { HttpsTransport } from '../client/https-transport';
import { loadKubeconfig } from '../client/kubeconfig';
import { type OptionTable, type Parsed, parseInteger, parseText } from '../process/options';

const dayMs = 24 * 3_600_000;
const defaultMegabytes = 100;

export const auditOptions = {
  auditPolicyFile: {
    flag: 'audit-policy-file',
    placeholder: 'FILE',
    default: '',
    help: 'Policy of audit.k8s.io/v1: which requests are recorded; needs --audit-log-path or --audit-webhook-config-file',
    parse: parseText,
  },
  auditLogPath: {
    flag: 'audit-log-path',
    placeholder: 'FILE',
    default: '',
    help: 'where requests are recorded, one event a line; -: standard output; absent: nowhere',
    parse: parseText,
  },
  auditLogMaxage: {
    flag: 'audit-log-maxage',
    placeholder: 'DAYS',
    default: '0',
    help: 'how long rotated audit logs are kept; 0: forever',
    parse: parseInteger(0, 100_000),
  },
  auditLogMaxbackup: {
    flag: 'audit-log-maxbackup',
    placeholder: 'NUMBER',
    default: '0',
    help: 'how many rotated audit logs are kept; 0: all',
    parse: parseInteger(0, 100_000),
  },
  auditLogMaxsize: {
    flag: 'audit-log-maxsize',
    placeholder: 'MEGABYTES',
    default: '0',
    help: 'size at which the audit log is rotated; 0: 100',
    parse: parseInteger(0, 1_000_000),
  },
  auditWebhookConfigFile: {
    flag: 'audit-webhook-config-file',
    placeholder: 'FILE',
    default: '',
    help: 'kubeconfig of a program that gets the events too, in lists of up to 400',
    parse: parseText,
  },
} satisfies OptionTable;

/** Undefined when nothing is recorded. The caller closes the transport of the webhook. @throws BadRequest */
export async function readAudit(options: Parsed<typeof auditOptions>): Promise<AuditOptions | undefined> {
  const { auditPolicyFile: file, auditLogPath: path, auditWebhookConfigFile: webhook } = options;
  const hasTarget = path !== '' || webhook !== '';
  if ((file !== '') !== hasTarget) {
    throw new BadRequest('--audit-policy-file needs --audit-log-path or --audit-webhook-config-file, and they need it');
  }
  if (!hasTarget) return undefined;
  const source = await readFile(file, 'utf8');
  // Before anything is opened, so that a wrong policy is the only message.
  readAuditPolicy(source, file);
  return {
    policy: { source, file },
    ...(path === '' ? {} : { log: path === '-' ? standardOutput : path }),
    ...(webhook === '' ? {} : { webhook: await openWebhook(webhook) }),
    rotation: {
      maxBytes: (options.auditLogMaxsize || defaultMegabytes) * 1024 * 1024,
      maxBackups: options.auditLogMaxbackup,
      maxAgeMs: options.auditLogMaxage * dayMs,
    },
  };
}

async function openWebhook(file: string) {
  const connection = await loadKubeconfig(file);
  const hasPath = new URL(connection.server).pathname !== '/';
  return { transport: new HttpsTransport(connection), path: hasPath ? '' : '/' };
}

const standardOutput: LogWriter = {
  write: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    }),
  close: async () => undefined,
};
