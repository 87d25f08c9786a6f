// Parts of iptables rules: matches, targets and marks for several builders in this folder.
import { canonicalAddress } from '../../../controlplane/base/cidr';
import type { Family, Match, Protocol, Rule, Target } from '../../netfilter/model';
import { marks } from '../../netfilter/names';

export const comment = (text: string): Match => ({ match: 'comment', text });
export const jump = (chain: string): Target => ({ target: 'jump', chain });
export const toPort = (protocol: Protocol, from: number, to = from): Match => ({
  match: 'port',
  protocol,
  side: 'destination',
  from,
  to,
});
const setMark = (mark: number): Target => ({ target: 'mark', value: mark, mask: mark });
export const markForMasquerade: Target = setMark(marks.masquerade);
export const markForReject: Target = setMark(marks.reject);
export const markForDrop: Target = setMark(marks.drop);
/**
 * The kernel chooses ports at random, so that parallel connections to one destination do not compete for the same source port.
 */
export const masquerade: Target = { target: 'masquerade', randomFully: true };

/** One address as iptables-save writes it. */
export const host = (address: string, family: Family): string =>
  `${canonicalAddress(address)}/${family === 4 ? 32 : 128}`;

export type { Match, Rule, Target };
