import t from 'tap';
import {
  neighbourAnswer,
  neighbourFilter,
  parseNeighbourMessage,
  solicitedNodeGroup,
  unsolicitedAdvertisement,
} from './nd-frames';

const mac = '02:00:00:00:00:0b';
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
/** who has fd00:192:168:57::240, from fd00:192:168:57::1, as the kernel sends it. */
const solicitation = hex(`3333ff000240 02aabbccdd01 86dd
  60000000 0020 3a ff fd000192016800570000000000000001 ff0200000000000000000001ff000240
  87 00 d901 00000000 fd000192016800570000000000000240 01 01 02aabbccdd01`);
const asked = {
  kind: 'solicitation',
  senderMac: '02:aa:bb:cc:dd:01',
  senderIp: 'fd00:192:168:57::1',
  targetIp: 'fd00:192:168:57::240',
} as const;

t.test('a solicitation is read, and answered to the one who asked', async (t) => {
  t.same(parseNeighbourMessage(solicitation), asked);
  const answer = neighbourAnswer(asked, mac);
  t.same(
    answer.subarray(0, 54),
    hex(`02aabbccdd01 02000000000b 86dd
    60000000 0020 3a ff fd000192016800570000000000000240 fd000192016800570000000000000001`),
  );
  t.same(answer.subarray(54, 56), hex('88 00'));
  t.same(
    answer.subarray(58),
    hex('60000000 fd000192016800570000000000000240 02 01 02000000000b'),
    'solicited, override',
  );
  t.match(parseNeighbourMessage(answer), { kind: 'advertisement', targetIp: asked.targetIp, senderMac: mac });
  const inItsName = neighbourAnswer(asked, '02:00:00:00:00:0c', mac);
  t.equal(inItsName.toString('hex', 6, 12), '02000000000b', "the frame has the sender's own MAC");
  t.equal(inItsName.toString('hex', 80), '02000000000c');
});

t.test('a client without an address is answered at the all-nodes address, as in an announcement', async (t) => {
  const probe = neighbourAnswer({ ...asked, senderIp: '::' }, mac);
  t.equal(probe.toString('hex', 0, 6), '333300000001');
  t.equal(probe.toString('hex', 38, 54), 'ff020000000000000000000000000001');
  t.equal(probe[58], 0x20, 'override, not solicited');
  t.same(unsolicitedAdvertisement(asked.targetIp, mac), probe);
  t.ok(parseNeighbourMessage(probe), 'the checksum is correct');
});

t.test('malformed messages and messages from outside the link are ignored', async (t) => {
  const change = (at: number, value: number) => {
    const frame = Buffer.from(solicitation);
    frame[at] = value;
    return frame;
  };
  const wrong = {
    short: solicitation.subarray(0, 77),
    type: change(13, 0),
    protocol: change(20, 17),
    'hop limit': change(21, 254),
    length: change(19, 0x60),
    'shorter length': change(19, 8),
    message: change(54, 128),
    code: change(55, 1),
    checksum: change(56, 0),
    target: change(77, 0x41),
  };
  for (const [what, frame] of Object.entries(wrong)) t.equal(parseNeighbourMessage(frame), undefined, what);
  t.same(
    parseNeighbourMessage(Buffer.concat([solicitation, Buffer.alloc(6)])),
    asked,
    'padding is not part of the message',
  );
});

t.test('the filter accepts solicitations and advertisements', async (t) => {
  /** Runs the filter as the kernel would; only the instructions that the filter has. */
  const run = (frame: Buffer): number => {
    let accumulator = 0;
    for (let at = 0; ; at++) {
      const [code, ifTrue, ifFalse, value] = neighbourFilter[at]!;
      if (code === 0x30) {
        if (value >= frame.length) return 0;
        accumulator = frame[value]!;
      } else if (code === 0x15) at += accumulator === value ? ifTrue : ifFalse;
      else if (code === 0x06) return value;
      else throw new Error(`no instruction ${code}`);
    }
  };
  t.ok(run(solicitation) > 0);
  t.ok(run(neighbourAnswer(asked, mac)) > 0);
  for (const [at, value] of [
    [20, 17],
    [54, 134],
    [54, 128],
  ] as const) {
    const frame = Buffer.from(solicitation);
    frame[at] = value;
    t.equal(run(frame), 0);
  }
});

t.test('the multicast group of a solicitation', async (t) => {
  t.equal(solicitedNodeGroup('fd00:192:168:57::240'), 'ff02::1:ff00:240');
  t.equal(solicitedNodeGroup('2001:db8::12ab:cdef'), 'ff02::1:ffab:cdef');
});
