// Rule model to the text iptables-restore reads. The text is byte for byte what iptables-save (1.8, nft and legacy) prints
// for the same rule, so that plan and kernel can be compared as text.
import type { Family, Match, Rule, Target, Term } from './model';

/** `-A CHAIN ...`, without a line end. */
export const renderRule = (chain: string, rule: Rule, family: Family): string =>
  `-A ${chain}${renderBody(rule, family)}`;

/** The part after the chain's name; begins with a space. */
export function renderBody(rule: Rule, family: Family): string {
  let line = '';
  line += term('-s', rule.source);
  line += term('-d', rule.destination);
  line += term('-i', rule.inInterface);
  line += term('-o', rule.outInterface);
  line += term('-p', rule.protocol);
  for (const match of rule.matches ?? []) line += ` ${renderMatch(match, family)}`;
  return line + renderTarget(rule.action);
}

/** All rules of one chain, each with its line end: the unit that plans compare and the applier sends. */
export function renderChain(chain: string, rules: readonly Rule[], family: Family): string {
  let text = '';
  for (const rule of rules) text += `${renderRule(chain, rule, family)}\n`;
  return text;
}

function term(flag: string, value: Term<string> | undefined): string {
  if (value === undefined) return '';
  return value.not ? ` ! ${flag} ${value.is}` : ` ${flag} ${value.is}`;
}

function renderMatch(match: Match, family: Family): string {
  switch (match.match) {
    case 'comment':
      return `-m comment --comment ${quote(match.text)}`;
    case 'port': {
      const ports = match.from === match.to ? `${match.from}` : `${match.from}:${match.to}`;
      return `-m ${match.protocol} ${not(match)}--${match.side === 'source' ? 'sport' : 'dport'} ${ports}`;
    }
    case 'tcpFlags':
      return `-m tcp ${not(match)}--tcp-flags ${match.mask.join(',')} ${match.set.join(',') || 'NONE'}`;
    case 'mark':
      return `-m mark ${not(match)}--mark ${renderMasked(match.value, match.mask)}`;
    case 'conntrack':
      return `-m conntrack ${not(match)}--ctstate ${match.states.join(',')}`;
    case 'addrtype':
      return `-m addrtype ${not(match)}--${match.side === 'source' ? 'src' : 'dst'}-type ${match.type}`;
    case 'statistic':
      return `-m statistic --mode random --probability ${formatProbability(match.probability)}`;
    case 'recent': {
      const mask = family === 4 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
      const seconds = match.seconds === undefined ? '' : ` --seconds ${match.seconds}`;
      return `-m recent --${match.op}${seconds}${match.reap ? ' --reap' : ''} --name ${match.name} --mask ${mask} --rsource`;
    }
    case 'opaque':
      return match.text;
  }
}

const not = (match: { readonly not?: true }): string => (match.not ? '! ' : '');
const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** iptables-save does not print a full mask in a mark match. */
const renderMasked = (value: number, mask: number): string =>
  mask >>> 0 === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`;

function renderTarget(target: Target): string {
  switch (target.target) {
    case 'accept':
      return ' -j ACCEPT';
    case 'drop':
      return ' -j DROP';
    case 'return':
      return ' -j RETURN';
    case 'jump':
      return ` -j ${target.chain}`;
    case 'goto':
      return ` -g ${target.chain}`;
    case 'dnat':
      return ` -j DNAT --to-destination ${target.to}`;
    case 'snat':
      return ` -j SNAT --to-source ${target.to}`;
    case 'masquerade':
      return target.randomFully ? ' -j MASQUERADE --random-fully' : ' -j MASQUERADE';
    case 'mark':
      return ` -j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case 'reject':
      return ` -j REJECT --reject-with ${target.with}`;
    case 'none':
      return '';
    case 'opaque':
      return ` ${target.text}`;
  }
}

/** The kernel's xt_statistic compares 31 random bits with round(p * 2^31); iptables-save prints that number as a fraction. */
export const probabilitySteps = 2 ** 31;
export function formatProbability(probability: number): string {
  return (Math.round(probability * probabilitySteps) / probabilitySteps).toFixed(11);
}

/** Characters that iptables-save prints without quotes (xtables_save_string). */
const plain = /^[-_0-9A-Za-z]+$/;
export function quote(text: string): string {
  if (plain.test(text)) return text;
  return `"${text.replace(/["'\\]/g, '\\$&')}"`;
}
