// certificates.k8s.io/v1 CertificateSigningRequest.
import { X509Certificate } from 'node:crypto';
import type { V1CertificateSigningRequest } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, formatDuration, nameColumn, none } from './table';
import type { Wire } from './types';
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from './validation/causes';
import { dns1123Label, dns1123Subdomain } from './validation/names';

export type CertificateSigningRequest = Wire<V1CertificateSigningRequest>;
export type CertificateCondition = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>[number];

/** certificates.k8s.io/v1 KeyUsage, sorted. */
export const keyUsages: readonly string[] = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const minExpirationSeconds = 600;
/** Only v1beta1 allows it, which this server does not serve. */
const legacySigner = 'kubernetes.io/legacy-unknown';
/** Conditions that no later write may change or remove. */
const decisions = ['Approved', 'Denied', 'Failed'];

const conditionsOf = ({ status }: CertificateSigningRequest): readonly CertificateCondition[] =>
  status?.conditions ?? [];
/** Approved, Denied and Failed are only ever True. */
export const hasCondition = (request: CertificateSigningRequest, type: string): boolean =>
  conditionsOf(request).some((condition) => condition.type === type);

/** example.com/what-it-signs */
function validateSignerName(field: string, name: string): FieldCause[] {
  if (name === '') return [required(field)];
  const [domain = '', path, ...rest] = name.split('/');
  if (path === undefined || rest.length > 0) {
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const isShort = !domain.includes('.');
  return [
    ...(domain.length > maxDomain ? [tooLong(field, maxDomain)] : []),
    ...labelCauses(field, domain, dns1123Label),
    ...(isShort ? [invalid(field, domain, 'should be a domain with at least two segments separated by dots')] : []),
    // Each label may be as long as the name of an object.
    ...labelCauses(field, path, dns1123Subdomain),
    ...(name.length > maxSignerName ? [tooLong(field, maxSignerName)] : []),
  ];
}

/** Of a DNS name. */
const maxDomain = 253;
/** A DNS name, a slash, the name of a namespace, a dot and the name of an object. */
const maxSignerName = maxDomain + 1 + 63 + 1 + maxDomain;

/** The errors of the first label that has any. */
function labelCauses(field: string, value: string, check: (label: string) => string[]): FieldCause[] {
  const wrong = value.split('.').find((label) => check(label).length > 0);
  if (wrong === undefined) return [];
  return check(wrong).map((why) => invalid(field, value, `validating label ${JSON.stringify(wrong)}: ${why}`));
}

/** A write of the approval may set only Approved and Denied; a write of the status only the certificate and other conditions. */
function prepare(
  request: CertificateSigningRequest,
  { old, subresource }: WriteContext<CertificateSigningRequest>,
): void {
  if (!old) {
    request.status = {};
    return;
  }
  if (subresource === 'status') keepDecisions(request, old);
  if (subresource !== 'approval') return;
  request.status = { ...old.status, conditions: request.status?.conditions ?? [] };
}

/** A write of the status cannot change a decision: the stored one replaces it. To add or remove one is an error. */
function keepDecisions({ status }: CertificateSigningRequest, old: CertificateSigningRequest): void {
  if (!status?.conditions) return;
  status.conditions = status.conditions.map((condition) => {
    const kept = condition.type === 'Approved' || condition.type === 'Denied';
    return (kept && conditionsOf(old).find(({ type }) => type === condition.type)) || condition;
  });
}

function validateSpec({ spec }: CertificateSigningRequest): FieldCause[] {
  const { request = '', signerName = '', usages: wanted = [], expirationSeconds } = spec ?? {};
  const causes: FieldCause[] = [];
  if (request === '') causes.push(invalid('spec.request', null, 'PEM block type must be CERTIFICATE REQUEST'));
  if (wanted.length === 0) causes.push(required('spec.usages'));
  for (const [i, usage] of wanted.entries()) {
    if (!keyUsages.includes(usage)) causes.push(notSupported(`spec.usages[${i}]`, usage, keyUsages));
    if (wanted.indexOf(usage) < i) causes.push(duplicate(`spec.usages[${i}]`, usage));
  }
  if (signerName === legacySigner) {
    causes.push(invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version'));
  } else {
    causes.push(...validateSignerName('spec.signerName', signerName));
  }
  if (expirationSeconds !== undefined && expirationSeconds < minExpirationSeconds) {
    causes.push(
      invalid(
        'spec.expirationSeconds',
        expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  }
  return causes;
}

function validateConditions(request: CertificateSigningRequest): FieldCause[] {
  const field = 'status.conditions';
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [i, { type = '', status = '' }] of conditionsOf(request).entries()) {
    const at = `${field}[${i}]`;
    if (type === '') causes.push(required(`${at}.type`));
    if (seen.has(type)) causes.push(duplicate(`${at}.type`, type));
    seen.add(type);
    if (status === '') causes.push(required(`${at}.status`));
    else if (decisions.includes(type) && status !== 'True') causes.push(notSupported(`${at}.status`, status, ['True']));
    else if (!['False', 'True', 'Unknown'].includes(status)) {
      causes.push(notSupported(`${at}.status`, status, ['False', 'True', 'Unknown']));
    }
  }
  if (seen.has('Approved') && seen.has('Denied')) {
    causes.push(invalid(field, 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  }
  return causes;
}

/** A decision or certificate stays, and each subresource may change only its own part. */
function validateChange(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  subresource: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const had = (type: string) => hasCondition(old, type);
  const has = (type: string) => hasCondition(request, type);
  for (const type of decisions) {
    if (had(type) && !has(type)) {
      causes.push(forbidden('status.conditions', `updates may not remove a condition of type "${type}"`));
    }
    if (type !== 'Failed' && !had(type) && has(type) && subresource !== 'approval') {
      causes.push(forbidden('status.conditions', `updates may not add a condition of type "${type}"`));
    }
  }
  const before = old.status?.certificate ?? '';
  const certificate = request.status?.certificate ?? '';
  if (before !== '' && certificate !== before) {
    causes.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  } else if (certificate !== before) {
    const wrong = whyNoCertificate(plain(certificate));
    if (wrong !== undefined) causes.push(invalid('status.certificate', '<certificate data>', wrong));
  }
  return causes;
}

/** One PEM block or more, each of them a certificate; text around them is an explanation (RFC 7468, 5.2). */
function whyNoCertificate(text: string): string | undefined {
  const blocks = pemBlocks(text);
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const { block, label } of blocks) {
    if (label !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`;
    // RFC 1421, 4.6: lines with a colon before the text.
    if (block.split('\n', 2)[1]?.includes(':')) return 'no PEM block headers are permitted';
    try {
      new X509Certificate(block);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return undefined;
}

/** Finds PEM blocks in one pass: a BEGIN line belongs to the next END line, if that has the same label. */
function pemBlocks(text: string): { readonly block: string; readonly label: string }[] {
  const blocks: { block: string; label: string }[] = [];
  let end = -1;
  for (let begin = text.indexOf(beginMark); begin >= 0; ) {
    const labelEnd = text.indexOf(dashes, begin + beginMark.length);
    if (labelEnd < 0) break;
    const label = text.slice(begin + beginMark.length, labelEnd);
    if (end < labelEnd) end = text.indexOf(endMark, labelEnd);
    if (end < 0) break;
    const tail = `${endMark}${label}${dashes}`;
    const isWhole = text.startsWith(tail, end);
    if (isWhole) blocks.push({ block: text.slice(begin, end + tail.length), label });
    begin = text.indexOf(beginMark, isWhole ? end + tail.length : labelEnd);
  }
  return blocks;
}

const dashes = '-----';
const beginMark = '-----BEGIN ';
const endMark = '-----END ';

const plain = (base64: string): string => Buffer.from(base64, 'base64').toString();

function validate(
  request: CertificateSigningRequest,
  { old, subresource }: WriteContext<CertificateSigningRequest>,
): FieldCause[] {
  const causes = [...validateSpec(request), ...validateConditions(request)];
  return old ? [...causes, ...validateChange(request, old, subresource)] : causes;
}

/** Decision, failure, and whether a certificate is issued, in kubectl's order. */
function conditionText(request: CertificateSigningRequest): string {
  const has = (type: string) => hasCondition(request, type);
  return [
    has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending',
    ...(has('Failed') ? ['Failed'] : []),
    ...(request.status?.certificate ? ['Issued'] : []),
  ].join(',');
}

const requestedDuration = ({ spec }: CertificateSigningRequest): string =>
  spec?.expirationSeconds === undefined ? none : formatDuration(spec.expirationSeconds * 1000);

export const certificateSigningRequests = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  namespaced: false,
  schema: { model: 'V1CertificateSigningRequest' },
  hasStatus: true,
  generation: 'absent',
  subresources: [{ name: 'approval', verbs: ['get', 'patch', 'update'], writes: 'status' }],
  prepare,
  validate,
  columns: [
    nameColumn,
    ageColumn,
    { name: 'SignerName', type: 'string', cell: ({ spec }) => spec?.signerName ?? '' },
    { name: 'Requestor', type: 'string', cell: ({ spec }) => spec?.username ?? '' },
    { name: 'RequestedDuration', type: 'string', cell: requestedDuration },
    { name: 'Condition', type: 'string', cell: conditionText },
  ],
  fields: { 'spec.signerName': ({ spec }) => spec?.signerName ?? '' },
});
