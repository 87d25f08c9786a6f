// A SightingFilter as a program of classic BPF (Documentation/networking/filter.rst). Pure. It selects every packet that
// createMatcher selects, and a few more: of an IPv6 address it compares the last 32 bits, and it accepts all ICMP errors and all
// packets with extension headers. The packet begins with its IP header.
import { addressBytes } from '../../controlplane/base/cidr';
import type { SocketFilter } from '../netns/socket-filter';
import { icmpErrorTypes, tunnelPort } from './packets';
import type { SightingFilter } from './sighting';

/** BPF_LD, BPF_LDX and so on with their modes. `At`: from the start of the packet; `From`: from X on. */
const op = {
  wordFrom: 0x40,
  halfAt: 0x28,
  halfFrom: 0x48,
  byteAt: 0x30,
  byteFrom: 0x50,
  /** X = 4 * (byte & 15): the length of an IPv4 header. */
  headerLengthToX: 0xb1,
  setX: 0x01,
  aToX: 0x07,
  xToA: 0x87,
  and: 0x54,
  add: 0x04,
  addX: 0x0c,
  shiftLeft: 0x64,
  jump: 0x05,
  jumpIfEqual: 0x15,
  jumpIfBits: 0x45,
  return: 0x06,
} as const;

/** The jumps of a condition reach 255 instructions; the jump without a condition reaches all. */
const maxRun = 200;
const allBytes = 0x40000;
const numbers = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 } as const;
/** Hop-by-hop, routing, fragment, authentication, destination options. */
const extensionHeaders = [0, 43, 44, 51, 60];
/** UDP and VXLAN headers and an Ethernet header. */
const tunnelBytes = 8 + 8 + 14;

type Label = string;

/** Instructions with names for the places they jump to. */
class Program {
  private readonly code: { op: number; yes: number; no: number; value: number; to?: Label }[] = [];
  private readonly places = new Map<Label, number>();

  emit(operation: number, value = 0): void {
    this.code.push({ op: operation, yes: 0, no: 0, value });
  }
  place(label: Label): void {
    this.places.set(label, this.code.length);
  }
  jump(to: Label): void {
    this.code.push({ op: op.jump, yes: 0, no: 0, value: 0, to });
  }
  /** Jumps if A is one of the values; otherwise goes on. */
  jumpIfOneOf(values: readonly number[], to: Label): void {
    for (let start = 0; start < values.length; start += maxRun) {
      const run = values.slice(start, start + maxRun);
      // Each comparison jumps over the rest of the run and over the first `jump`; the last one falls into it.
      for (const [i, value] of run.entries()) {
        this.code.push({ op: op.jumpIfEqual, yes: run.length - i, no: 0, value });
      }
      this.code.push({ op: op.jump, yes: 0, no: 0, value: 1 });
      this.jump(to);
    }
  }
  jumpIfBits(bits: number, to: Label): void {
    this.code.push({ op: op.jumpIfBits, yes: 0, no: 1, value: bits });
    this.jump(to);
  }
  assemble(): SocketFilter {
    return this.code.map(({ op, yes, no, value, to }, at) => [
      op,
      yes,
      no,
      to === undefined ? value : this.places.get(to)! - at - 1,
    ]);
  }
}

/**
 *     if (IPv4 or IPv6, UDP to port 8472) { X = start of the inner packet; if (check(X)) accept }
 *     X = 0; if (check(X)) accept
 *     drop
 */
export function renderFilter(filter: SightingFilter): SocketFilter {
  const program = new Program();
  program.emit(op.byteAt, 0);
  program.emit(op.and, 0xf0);
  program.jumpIfOneOf([0x40], 'outer4');
  program.jumpIfOneOf([0x60], 'outer6');
  program.jump('drop');
  program.place('outer4');
  program.emit(op.byteAt, 9);
  program.jumpIfOneOf([numbers.udp], 'udp4');
  program.jump('plain');
  program.place('udp4');
  program.emit(op.headerLengthToX, 0);
  program.emit(op.halfFrom, 2);
  program.jumpIfOneOf([tunnelPort], 'tunnel4');
  program.jump('plain');
  program.place('tunnel4');
  program.emit(op.xToA);
  program.emit(op.add, tunnelBytes);
  program.emit(op.aToX);
  program.jump('inner');
  program.place('outer6');
  program.emit(op.byteAt, 6);
  program.jumpIfOneOf([numbers.udp], 'udp6');
  program.jump('plain');
  program.place('udp6');
  program.emit(op.halfAt, 42);
  program.jumpIfOneOf([tunnelPort], 'tunnel6');
  program.jump('plain');
  program.place('tunnel6');
  program.emit(op.setX, 40 + tunnelBytes);
  program.place('inner');
  renderCheck(program, filter, 'inner', 'plain');
  program.place('plain');
  program.emit(op.setX, 0);
  renderCheck(program, filter, 'plain', 'drop');
  program.place('drop');
  program.emit(op.return, 0);
  program.place('accept');
  program.emit(op.return, allBytes);
  return program.assemble();
}

/** Jumps to `accept` or to `otherwise`. The packet begins at X, which is lost. */
function renderCheck(program: Program, filter: SightingFilter, name: string, otherwise: Label): void {
  const label = (place: string) => `${name}-${place}`;
  program.emit(op.byteFrom, 0);
  program.emit(op.and, 0xf0);
  program.jumpIfOneOf([0x40], label('ipv4'));
  program.jumpIfOneOf([0x60], label('ipv6'));
  program.jump(otherwise);
  program.place(label('ipv4'));
  renderCheck4(program, filter, label, otherwise);
  program.place(label('ipv6'));
  renderCheck6(program, filter, label, otherwise);
}

function renderCheck4(
  program: Program,
  { protocol, addresses, ports }: SightingFilter,
  label: (place: string) => Label,
  otherwise: Label,
): void {
  const words = lastWords(addresses, 4);
  program.emit(op.byteFrom, 9);
  if (protocol !== 'icmp') program.jumpIfOneOf([numbers.icmp], label('icmp4'));
  program.jumpIfOneOf([numbers[protocol]], label('addresses4'));
  program.jump(otherwise);
  program.place(label('addresses4'));
  for (const at of [12, 16]) {
    program.emit(op.wordFrom, at);
    program.jumpIfOneOf(words, label('ports4'));
  }
  // An error about a ping, to an address that is not watched.
  program.jump(protocol === 'icmp' ? label('icmp4') : otherwise);
  program.place(label('ports4'));
  if (ports === undefined) program.jump('accept');
  else {
    skipHeader4(program);
    for (const at of [0, 2]) {
      program.emit(op.halfFrom, at);
      program.jumpIfOneOf(ports, 'accept');
    }
    program.jump(otherwise);
  }
  program.place(label('icmp4'));
  skipHeader4(program);
  program.emit(op.byteFrom, 0);
  program.jumpIfOneOf(icmpErrorTypes, 'accept');
  program.jump(otherwise);
}

/** X = X + the length of the IPv4 header there. */
function skipHeader4(program: Program): void {
  program.emit(op.byteFrom, 0);
  program.emit(op.and, 15);
  program.emit(op.shiftLeft, 2);
  program.emit(op.addX);
  program.emit(op.aToX);
}

function renderCheck6(
  program: Program,
  { protocol, addresses, ports }: SightingFilter,
  label: (place: string) => Label,
  otherwise: Label,
): void {
  const words = lastWords(addresses, 6);
  program.emit(op.byteFrom, 6);
  // Rare, and only a loop could find what stands behind them.
  program.jumpIfOneOf(extensionHeaders, 'accept');
  if (protocol !== 'icmpv6') program.jumpIfOneOf([numbers.icmpv6], label('icmp6'));
  program.jumpIfOneOf([numbers[protocol]], label('addresses6'));
  program.jump(otherwise);
  program.place(label('addresses6'));
  for (const at of [20, 36]) {
    program.emit(op.wordFrom, at);
    program.jumpIfOneOf(words, label('ports6'));
  }
  program.jump(protocol === 'icmpv6' ? label('icmp6') : otherwise);
  program.place(label('ports6'));
  if (ports === undefined) program.jump('accept');
  else {
    for (const at of [40, 42]) {
      program.emit(op.halfFrom, at);
      program.jumpIfOneOf(ports, 'accept');
    }
    program.jump(otherwise);
  }
  program.place(label('icmp6'));
  program.emit(op.byteFrom, 40);
  program.jumpIfBits(0x80, otherwise);
  program.jump('accept');
}

/** Of the addresses of one family, without repetition. */
function lastWords(addresses: readonly string[], family: 4 | 6): readonly number[] {
  const bytes = addresses.map(addressBytes).filter(({ length }) => length === (family === 4 ? 4 : 16));
  return [...new Set(bytes.map((each) => each.readUInt32BE(each.length - 4)))];
}
