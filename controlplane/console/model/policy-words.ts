// What a NetworkPolicy allows, in short words: API terms, no sentences. Pure.
import { at, listAt, textAt, textsAt } from './objects';

export interface PolicyRule {
  readonly direction: 'ingress' | 'egress';
  /** Empty: every peer. */
  readonly peers: readonly string[];
  /** Empty: every port. */
  readonly ports: readonly string[];
}

/** `app=web, tier in (a,b)`; '' selects everything. */
export function selectorWords(selector: unknown): string {
  const labels = Object.entries(textsAt(at(selector, 'matchLabels'))).map(([key, value]) => `${key}=${value}`);
  const expressions = listAt(selector, 'matchExpressions').map((one) => {
    const [key, operator] = [textAt(one, 'key'), textAt(one, 'operator')];
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'NotIn' ? 'notin' : 'in'} (${listAt(one, 'values').join(',')})`;
  });
  return [...labels, ...expressions].join(', ');
}

export function rulesOf(spec: unknown): readonly PolicyRule[] {
  const of = (direction: 'ingress' | 'egress', ends: 'from' | 'to') =>
    listAt(spec, direction).map((rule) => ({
      direction,
      peers: listAt(rule, ends).map(peerWords),
      ports: listAt(rule, 'ports').map(portWords),
    }));
  return [...of('ingress', 'from'), ...of('egress', 'to')];
}

function peerWords(peer: unknown): string {
  const block = textAt(peer, 'ipBlock', 'cidr');
  const except = listAt(peer, 'ipBlock', 'except');
  if (block !== '') return except.length > 0 ? `${block} (except ${except.join(', ')})` : block;
  const within = (key: string) => {
    const selector = at(peer, key);
    return selector === undefined ? undefined : `${key} ${selectorWords(selector) || '*'}`;
  };
  return [within('namespaceSelector'), within('podSelector')].filter(Boolean).join(', ');
}

function portWords(port: unknown): string {
  const end = textAt(port, 'endPort');
  return `${textAt(port, 'protocol') || 'TCP'} ${textAt(port, 'port') || '*'}${end === '' ? '' : `-${end}`}`;
}

/** Directions that the policy restricts: without the field, egress only when it has egress rules. */
export function directionsOf(spec: unknown): readonly string[] {
  const types = listAt(spec, 'policyTypes').map(String);
  if (types.length > 0) return types.map((type) => type.toLowerCase());
  return listAt(spec, 'egress').length > 0 ? ['ingress', 'egress'] : ['ingress'];
}
