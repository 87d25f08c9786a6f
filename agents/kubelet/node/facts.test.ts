import t from 'tap';
import { parseLowestOomScore } from './facts';

t.test('scores below zero need CAP_SYS_RESOURCE', (t) => {
  const status = (capabilities: string) =>
    `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${capabilities}\nCapBnd:\t0\n`;
  t.equal(parseLowestOomScore(status('000001ffffffffff')), -1000);
  t.equal(parseLowestOomScore(status('0000000001000000')), -1000);
  t.equal(parseLowestOomScore(status('000001fffeffffff')), 0);
  t.equal(parseLowestOomScore(status('0000000000000000')), 0);
  t.equal(parseLowestOomScore(''), 0);
  t.end();
});
