// Whether an address is in a range, for a browser. Addresses and ranges come from the API, which has checked them.

/** The bits of an address as text, with its family in front: a range contains the addresses that begin as it does. */
function bitsOf(address: string): string {
  if (!address.includes(':'))
    return `4${address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')}`;
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const front = groups(head);
  const back = groups(tail ?? '');
  const zeros = tail === undefined ? [] : Array<string>(8 - front.length - back.length).fill('0');
  const all = [...front, ...zeros, ...back];
  return `6${all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')}`;
}

/** 10.244.0.0/24 as the bits with which its addresses begin. */
export function rangeBits(range: string): string {
  const [address = '', prefix = '0'] = range.split('/');
  return bitsOf(address).slice(0, 1 + Number(prefix));
}

export const isIn = (ranges: readonly string[], address: string): boolean => {
  const bits = bitsOf(address);
  return ranges.some((range) => bits.startsWith(range));
};
