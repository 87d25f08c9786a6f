// Names of the reverse zones: 4.3.2.1.in-addr.arpa and the nibbles of ip6.arpa.
import { formatAddress } from '../../controlplane/base/cidr';

const v4Suffix = '.in-addr.arpa';
const v6Suffix = '.ip6.arpa';

/** The address of a reverse name (lower case, no trailing dot); undefined when the name is not a complete address. */
export function parseReverseName(name: string): string | undefined {
  if (name.endsWith(v4Suffix)) {
    const parts = name.slice(0, -v4Suffix.length).split('.');
    const isWhole = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
    return isWhole ? parts.reverse().join('.') : undefined;
  }
  if (name.endsWith(v6Suffix)) {
    const nibbles = name.slice(0, -v6Suffix.length).split('.');
    if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
    return formatAddress({ family: 6, value: BigInt(`0x${nibbles.reverse().join('')}`) });
  }
  return undefined;
}

/** 10.244.1.5 as one label: 10-244-1-5; fd00::5 as fd00--5. */
export const dashed = (address: string): string => address.replaceAll(/[.:]/g, '-');
