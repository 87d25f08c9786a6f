// Hashes short enough for a chain name: 16 characters of base32, 80 bits of SHA-256. Among a million ports two collide with a
// probability of 4e-13.
import { createHash } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function shortHash(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let name = '';
  for (let bit = 0; bit < 80; bit += 5) {
    const at = bit >> 3;
    const word = (digest[at]! << 8) | digest[at + 1]!;
    name += alphabet[(word >> (11 - (bit & 7))) & 31];
  }
  return name;
}
