// Why a text is no address or range, in the words of Go's net/netip. Pure.

/** Undefined: Go reads it. */
export function addressError(text: string): string | undefined {
  const why = reasonOf(text);
  return why === undefined ? undefined : `ParseAddr(${JSON.stringify(text)}): ${why}`;
}

function reasonOf(text: string): string | undefined {
  // The first of these characters decides the family.
  const sign = /[.:%]/.exec(text)?.[0];
  if (sign === '.') return version4(text, text);
  if (sign === ':') return version6(text);
  return sign === '%' ? 'missing IPv6 address' : 'unable to parse IP';
}

const at = (why: string, rest: string): string => `${why} (at ${JSON.stringify(rest)})`;

/** `whole` is the text that messages show the end of. */
function version4(text: string, whole: string): string | undefined {
  let [value, digits, fields] = [0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    const rest = whole.slice(whole.length - text.length + i);
    if (/\d/.test(character)) {
      if (digits === 1 && value === 0) return 'IPv4 field has octet with leading zero';
      value = value * 10 + Number(character);
      digits++;
      if (value > 255) return 'IPv4 field has value >255';
    } else if (character === '.') {
      if (i === 0 || i === text.length - 1 || text[i - 1] === '.') {
        return at('IPv4 field must have at least one digit', rest);
      }
      if (fields === 3) return 'IPv4 address too long';
      [value, digits] = [0, 0];
      fields++;
    } else return at('unexpected character', rest);
  }
  return fields < 3 ? 'IPv4 address too short' : undefined;
}

const fieldCount = 8;

function version6(text: string): string | undefined {
  const [address = '', ...zone] = text.split('%');
  if (zone.length > 0 && zone.join('%') === '') return 'zone must be a non-empty string';
  let rest = address;
  let fields = 0;
  let ellipsis = false;
  if (rest.startsWith('::')) {
    ellipsis = true;
    rest = rest.slice(2);
    if (rest === '') return undefined;
  }
  while (fields < fieldCount) {
    const digits = /^[\da-f]*/i.exec(rest)![0];
    if (digits === '') return at('each colon-separated field must have at least one digit', rest);
    if (digits.length > 4) return at('each group must have 4 or less digits', rest);
    if (rest[digits.length] === '.') {
      if (!ellipsis && fields !== 6)
        return at('embedded IPv4 address must replace the final 2 fields of the address', rest);
      if (fields + 2 > fieldCount)
        return at('too many hex fields to fit an embedded IPv4 at the end of the address', rest);
      const wrong = version4(rest, address);
      if (wrong !== undefined) return wrong;
      fields += 2;
      rest = '';
      break;
    }
    fields++;
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (rest[0] !== ':') return at('unexpected character, want colon', rest);
    if (rest === ':') return at('colon must be followed by more characters', rest);
    rest = rest.slice(1);
    if (rest[0] !== ':') continue;
    if (ellipsis) return at('multiple :: in address', rest);
    ellipsis = true;
    rest = rest.slice(1);
    if (rest === '') break;
  }
  if (rest !== '') return at('trailing garbage after address', rest);
  if (fields < fieldCount && !ellipsis) return 'address string too short';
  return fields === fieldCount && ellipsis ? 'the :: must expand to at least one field of zeros' : undefined;
}

/** Undefined: Go reads it. */
export function prefixError(text: string): string | undefined {
  const why = prefixReason(text);
  return why === undefined ? undefined : `netip.ParsePrefix(${JSON.stringify(text)}): ${why}`;
}

function prefixReason(text: string): string | undefined {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return "no '/'";
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  const wrong = addressError(address);
  if (wrong !== undefined) return wrong;
  if (address.includes('%')) return 'IPv6 zones cannot be present in a prefix';
  if (!/^(?:0|[1-9]\d{0,8})$/.test(bits)) return `bad bits after slash: ${JSON.stringify(bits)}`;
  return Number(bits) > (address.includes(':') ? 128 : 32) ? 'prefix length out of range' : undefined;
}
