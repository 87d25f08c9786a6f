// CertificateSigningRequests: the server records the requesting user; a user who approves or signs needs the permission
// `approve` or `sign` for the signer. Source: CertificateApproval, CertificateSigning and CertificateSubjectRestriction in the
// reference of admission controllers; the last of the checks of the request itself is kube-apiserver's validation.
import { type CertificateSigningRequest, certificateSigningRequests } from '../../api/certificate-signing-request';
import { formatTime } from '../../base/clock';
import { BadRequest } from '../../base/errors';
import { type ParsedRequest, parseRequest } from '../../pki/certificate-request';
import { nodeUserPrefix, signers } from '../../pki/signers';
import type { Authorizer } from '../authz/authorizer';
import { nodeNameOf } from '../authz/node';
import type { UserInfo } from '../request';
import { invalid } from '../status';
import { type OpenRule, type RuleDeps, refusal, type Write } from '../write/rule';

type CertificateWrite = Omit<Write, 'object' | 'old'> & {
  readonly object: CertificateSigningRequest;
  readonly old?: CertificateSigningRequest;
};

const superusers = 'system:masters';
/** A node may request only certificates with its own name; see NodeRestriction in the reference of admission controllers. */
const nodeSigners: readonly string[] = [signers.kubeletClient, signers.kubeletServing];

export const certificateRequests: OpenRule = (deps) => ({
  name: 'CertificateSigningRequests',
  concerns: ({ operation, kind }) => operation !== 'delete' && kind.prefix === certificateSigningRequests.prefix,
  mutate(write) {
    const own = write as CertificateWrite;
    if (own.operation === 'create') admitRequest(own);
    else if (own.subresource === '') keepSpec(own);
    else admitDecision(own, deps);
  },
});

function admitRequest(write: CertificateWrite): void {
  const { kind, name, object, user } = write;
  object.spec = { ...object.spec, username: user.name, groups: [...user.groups] };
  delete object.spec.uid;
  delete object.spec.extra;
  if (user.uid) object.spec.uid = user.uid;
  if (user.extra) {
    object.spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
  }
  const { request: encoded, signerName } = object.spec;
  // Validation reports that both are required.
  if (!encoded || !signerName) return;
  const request = readRequest(kind, name, encoded);
  if (signerName === signers.apiserverClient && request.organizations.includes(superusers)) {
    throw refusal(write, `use of ${signerName} signer with ${superusers} group is not allowed`);
  }
  const node = nodeNameOf(user);
  const foreign = node !== undefined && request.commonName !== `${nodeUserPrefix}${node}`;
  if (foreign && nodeSigners.includes(signerName)) {
    throw refusal(write, `can only create a node CSR with CN=${nodeUserPrefix}${node}`);
  }
}

/** @throws Invalid */
function readRequest(kind: Write['kind'], name: string, encoded: string): ParsedRequest {
  try {
    return parseRequest(Buffer.from(encoded, 'base64').toString());
  } catch (err) {
    if (!(err instanceof BadRequest)) throw err;
    const message = `Invalid value: ${JSON.stringify(encoded)}: ${err.message}`;
    throw invalid(kind, name, [{ reason: 'FieldValueInvalid', field: 'spec.request', message }]);
  }
}

/** The spec keeps its old value: an approved request must not change afterwards. */
function keepSpec({ object, old }: CertificateWrite): void {
  if (old) object.spec = structuredClone(old.spec);
}

function admitDecision(write: CertificateWrite, { authorizer, clock }: RuleDeps): void {
  const { object, old, subresource, user } = write;
  const signer = old?.spec.signerName ?? '';
  if (subresource === 'approval' && !maySign(authorizer, user, 'approve', signer)) {
    throw refusal(write, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`);
  }
  if (subresource === 'status' && signs(object, old) && !maySign(authorizer, user, 'sign', signer)) {
    throw refusal(write, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`);
  }
  const now = formatTime(clock.now());
  for (const condition of object.status?.conditions ?? []) {
    const before = old?.status?.conditions?.find(({ type }) => type === condition.type);
    const same = before?.status === condition.status;
    condition.lastTransitionTime ??= (same && before?.lastTransitionTime) || now;
    condition.lastUpdateTime ??= now;
  }
}

const failed = ({ status }: CertificateSigningRequest): boolean =>
  status?.conditions?.some(({ type }) => type === 'Failed') ?? false;

/** True when the write sets the certificate or the condition Failed, which only the signer may do. */
function signs(object: CertificateSigningRequest, old: CertificateSigningRequest | undefined): boolean {
  if ((object.status?.certificate ?? '') !== (old?.status?.certificate ?? '')) return true;
  return old !== undefined && failed(object) !== failed(old);
}

/** Permission for this signer, or for all signers of its domain: example.com/*. */
function maySign(authorizer: Authorizer, user: UserInfo, verb: 'approve' | 'sign', signer: string): boolean {
  const domain = signer.split('/')[0] ?? '';
  return [signer, `${domain}/*`].some((name) =>
    authorizer.allowsResource(user, {
      verb,
      group: certificateSigningRequests.group,
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    }),
  );
}
