// Renders a journey as text for people: the rules that matched, under their hook, and the effect of each. Pure.
import type { Journey, ObjectRef, RuleStep, Step } from './journey';
import type { Fields, Packet } from './packet';

export function renderJourney(packet: Packet, journey: Journey): string {
  const lines = [`${packet.protocol} ${ends(packet)}, ${origin(packet)}`];
  let hook: string | undefined;
  for (const step of journey.steps) {
    const at = step.step === 'routing' ? undefined : step.hook;
    if (at !== undefined && at !== hook) lines.push(at);
    hook = at;
    lines.push(...renderStep(step));
  }
  return `${[...lines, renderEnd(journey)].join('\n')}\n`;
}

function origin({ inInterface, frame }: Packet): string {
  if (inInterface === undefined) return 'sent by a process of this node';
  return frame ? `in by port ${frame.port} of ${inInterface}, from ${frame.sourceMac}` : `in by ${inInterface}`;
}

const ends = ({ source, destination, destinationPort }: Pick<Packet, 'source' | 'destination' | 'destinationPort'>) =>
  `${source} to ${endpoint(destination, destinationPort)}`;

function endpoint(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function renderStep(step: Step): string[] {
  if (step.step === 'rule') return renderRule(step);
  if (step.step === 'restoring') return [`  connection tracking, now ${ends(step.after)}`];
  const { local, destination, outInterface } = step;
  const by = outInterface === undefined ? '' : ` by ${outInterface}`;
  return [`routing: ${destination} is ${local ? 'an address of this node' : `reached${by}`}`];
}

function renderRule({ table, chain, line, rule, verdict, before, after, objects }: RuleStep): string[] {
  const changed = before === after ? [] : changes(before, after);
  const behind = objects.map(renderObject);
  const what = [`${table} ${chain}:${line}`, verdict, ...changed, ...behind].join(', ');
  const byChance = /--mode random|numgen random/.test(rule)
    ? ['      (chance decides: another packet may go on elsewhere)']
    : [];
  return [`  ${what}`, `      ${rule}`, ...byChance];
}

function changes(before: Fields, after: Fields): string[] {
  const translated = ends(before) === ends(after) ? [] : [`now ${ends(after)}`];
  return before.mark === after.mark ? translated : [...translated, `mark 0x${after.mark.toString(16)}`];
}

export function renderObject(object: ObjectRef): string {
  if (object.kind === 'NetworkPolicy') {
    return `NetworkPolicy ${object.key}${object.rule === undefined ? '' : ` ${object.rule}`}`;
  }
  const { kind, key, port, endpoint: to } = object;
  return `${kind} ${key}${port === undefined ? '' : `:${port}`}${to === undefined ? '' : ` -> ${to}`}`;
}

function renderEnd({ verdict, rejectWith, local, masqueraded, ...rest }: Journey): string {
  if (verdict === 'reject') return `refused with ${rejectWith}`;
  if (verdict === 'drop') return 'dropped';
  const hidden = masqueraded ? ', masqueraded' : '';
  return `${local ? 'received' : 'sent on'}: ${ends(rest)}${hidden}`;
}
