// Matches that k8ts does not write, but many firewalls do (iptables-extensions(8)): multiport, iprange, mac, physdev.
import { parseAddress } from '../../../controlplane/base/cidr';
import type { Traveller } from '../packet';

type Condition = (packet: Traveller) => boolean;

/**
 * The condition of a match as iptables-save prints it, such as `-m multiport --dports 80,8000:8999`; undefined for other words.
 */
export function extensionOf(text: string): Condition | undefined {
  const [, name, body = ''] = /^-m (multiport|iprange|mac|physdev) (.*)$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  const conditions = optionsOf(body).map(({ not, option, value }) => {
    const condition = conditionOf(option, value);
    return condition && not ? (packet: Traveller) => !condition(packet) : condition;
  });
  if (conditions.length === 0 || conditions.includes(undefined)) return undefined;
  return (packet) => conditions.every((condition) => condition!(packet));
}

interface Option {
  readonly not: boolean;
  readonly option: string;
  readonly value: string;
}

/** `! --dports 80,443`: one or more of them. Empty where the text has another shape. */
function optionsOf(body: string): readonly Option[] {
  const words = body.split(' ').filter((word) => word !== '');
  const options: Option[] = [];
  for (let i = 0; i < words.length; ) {
    const not = words[i] === '!';
    if (not) i++;
    const [option = '', value] = [words[i], words[i + 1]];
    if (!option.startsWith('--') || value === undefined) return [];
    options.push({ not, option, value });
    i += 2;
  }
  return options;
}

function conditionOf(option: string, value: string): Condition | undefined {
  switch (option) {
    case '--dports':
      return hasPort(value, ({ destinationPort }) => [destinationPort]);
    case '--sports':
      return hasPort(value, ({ sourcePort }) => [sourcePort]);
    case '--ports':
      return hasPort(value, ({ sourcePort, destinationPort }) => [sourcePort, destinationPort]);
    case '--src-range':
      return isBetween(value, ({ source }) => source);
    case '--dst-range':
      return isBetween(value, ({ destination }) => destination);
    case '--mac-source':
      return ({ frame }) => frame?.sourceMac.toLowerCase() === value.toLowerCase();
    case '--physdev-in':
      return ({ frame }) => frame?.port === value;
    default:
      return undefined;
  }
}

type Fields = Traveller['fields'];

/** `80,443,8000:8999` */
function hasPort(value: string, pick: (fields: Fields) => readonly (number | undefined)[]): Condition {
  const ranges = value.split(',').map((range) => {
    const [from = '', to = from] = range.split(':');
    return { from: Number(from), to: Number(to) };
  });
  return ({ fields }) =>
    pick(fields).some((port) => port !== undefined && ranges.some(({ from, to }) => from <= port && port <= to));
}

/** `10.0.0.1-10.0.0.9` */
function isBetween(value: string, pick: (fields: Fields) => string): Condition {
  const [from = '', to = from] = value.split('-');
  const [low, high] = [parseAddress(from), parseAddress(to)];
  return ({ fields }) => {
    const address = parseAddress(pick(fields));
    return address.family === low.family && low.value <= address.value && address.value <= high.value;
  };
}
