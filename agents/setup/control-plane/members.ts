// The members of an etcd cluster, changed over etcd's own HTTP gateway: no further program and no library for a few calls.
// Source: etcd 3.4, api_reference_v3 (services Cluster and Maintenance) and its rules for learners.
import { request } from 'node:https';
import { systemClock } from '../../../controlplane/base/clock';
import { AppError, describeError, Unavailable } from '../../../controlplane/base/errors';
import type { KeyPair } from '../../../controlplane/pki/certificate';
import { etcdPorts, peerUrl } from '../../../controlplane/process/etcd-runtime';

export interface Member {
  /** A whole number of 64 bits, in decimal. */
  readonly id: string;
  /** '' until it has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** It gets all writes, but has no vote yet. */
  readonly isLearner: boolean;
}
export interface EtcdConnection {
  /** The address of a member. */
  readonly ip: string;
  readonly ca: string;
  readonly client: KeyPair;
}

interface RawMember {
  readonly ID: string;
  readonly name?: string;
  readonly peerURLs?: readonly string[];
  readonly isLearner?: boolean;
}
interface MemberStatus {
  readonly header: { readonly member_id: string };
  /** Missing while no member leads. */
  readonly leader?: string;
}
const answerTimeoutMs = 10_000;
/** Together three times as long as etcd wants to see a connection. */
const maxRemovals = 30;
const removalPauseMs = 500;

/** @throws Unavailable */
export async function listMembers(etcd: EtcdConnection): Promise<readonly Member[]> {
  return readMembers(await call(etcd, 'list', {}));
}

/**
 * Announces a member as a learner: until it has caught up it does not count for a majority, so a cluster of one goes on while its second
 * member starts. Returns all members; nothing changes when the address is a member already. @throws Unavailable, Invalid
 */
export async function addLearner(etcd: EtcdConnection, ip: string): Promise<readonly Member[]> {
  const there = await listMembers(etcd);
  if (there.some(({ peerUrls }) => peerUrls.includes(peerUrl(ip)))) return there;
  return readMembers(await call(etcd, 'add', { peerURLs: [peerUrl(ip)], isLearner: true }));
}

/** Gives the learner a vote. Undefined on success, else why it must be tried again. */
export async function promoteMember(etcd: EtcdConnection, ip: string): Promise<string | undefined> {
  try {
    const member = (await listMembers(etcd)).find(({ peerUrls }) => peerUrls.includes(peerUrl(ip)));
    if (!member) return `${ip} is not a member of etcd`;
    if (member.isLearner) await call(etcd, 'promote', { ID: member.id });
    return undefined;
  } catch (err) {
    if (err instanceof AppError) return err.message;
    throw err;
  }
}

/**
 * Takes back what addLearner did, and lets a member leave; nothing when the address is no member. etcd refuses that while it has not been
 * connected to a majority of the others for five seconds, as after a reboot (strict-reconfig-check), so it is tried again. @throws Unavailable
 */
export async function removeMember(etcd: EtcdConnection, ip: string): Promise<void> {
  const member = (await listMembers(etcd)).find(({ peerUrls }) => peerUrls.includes(peerUrl(ip)));
  if (!member) return;
  for (let tries = 1; ; tries++) {
    try {
      await call(etcd, 'remove', { ID: member.id });
      return;
    } catch (err) {
      if (!describeError(err).includes('unhealthy cluster') || tries === maxRemovals) throw err;
      await systemClock.sleep(removalPauseMs);
    }
  }
}

/**
 * A member that leads makes another one the leader, so that its removal leaves no pause: without a leader etcd takes no write until an
 * election, after one to two seconds. `etcd` is the connection to the member itself: only the leader can do this. Returns the name of the
 * new leader; undefined when the member does not lead, or no other has a vote. @throws Unavailable also when the other did not take over
 * in time; this one leads on then
 */
export async function handOverLeadership(etcd: EtcdConnection): Promise<string | undefined> {
  const { leader, header } = await ask<MemberStatus>(etcd, '/v3/maintenance/status', {});
  if (leader === undefined || leader !== header.member_id) return undefined;
  const next = (await listMembers(etcd)).find(({ id, name, isLearner }) => id !== leader && name !== '' && !isLearner);
  if (next) await ask(etcd, '/v3/maintenance/transfer-leadership', { targetID: next.id });
  return next?.name;
}

const readMembers = ({ members = [] }: { readonly members?: readonly RawMember[] }): readonly Member[] =>
  members.map(({ ID, name = '', peerURLs = [], isLearner = false }) => ({
    id: ID,
    name,
    peerUrls: peerURLs,
    isLearner,
  }));

/** For the start of a new member: itself, and all others that have started. */
export const clusterOf = (members: readonly Member[], own: { readonly name: string; readonly ip: string }): string =>
  members
    .flatMap(({ name, peerUrls }) => {
      const known = peerUrls.includes(peerUrl(own.ip)) ? own.name : name;
      return known === '' ? [] : peerUrls.map((url) => `${known}=${url}`);
    })
    .join(',');

const call = (etcd: EtcdConnection, verb: 'list' | 'add' | 'promote' | 'remove', body: unknown) =>
  ask<{ readonly members?: readonly RawMember[] }>(etcd, `/v3/cluster/member/${verb}`, body);

/** @throws Unavailable */
function ask<Answer>({ ip, ca, client }: EtcdConnection, path: string, body: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(new Unavailable(`etcd at ${ip} does not answer: ${cause.message}`, { cause }));
    const options = {
      method: 'POST',
      host: ip,
      port: etcdPorts.client,
      path,
      ca,
      ...client,
      agent: false,
      timeout: answerTimeoutMs,
    } as const;
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', fail);
      response.once('end', () => {
        try {
          const answer = JSON.parse(text) as Answer & { readonly error?: string };
          if (response.statusCode === 200) resolve(answer);
          else reject(new Unavailable(`etcd at ${ip}, ${path}: ${answer.error ?? `status ${response.statusCode}`}`));
        } catch (cause) {
          fail(cause as Error);
        }
      });
    });
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)));
    sent.once('error', fail);
    sent.end(JSON.stringify(body));
  });
}
