import t from 'tap';
import { type Finding, judge, unjudged } from './health';

t.test('states after findings', async (t) => {
  const cases: readonly { name: string; findings: Finding[]; want: string }[] = [
    { name: 'before the first check', findings: [], want: 'unknown' },
    { name: 'the first success is enough at the start', findings: ['ready'], want: 'up' },
    { name: 'one failure at the start is not', findings: ['silent'], want: 'unknown' },
    { name: 'two are', findings: ['silent', 'unready'], want: 'down' },
    { name: 'one lost answer', findings: ['ready', 'silent'], want: 'up' },
    { name: 'lost answers with a good one between them', findings: ['ready', 'silent', 'ready', 'silent'], want: 'up' },
    { name: 'frozen: two in a row', findings: ['ready', 'silent', 'silent'], want: 'down' },
    { name: 'not ready: two in a row', findings: ['ready', 'unready', 'unready'], want: 'down' },
    { name: 'killed: a refused connection is enough', findings: ['ready', 'refused'], want: 'down' },
    { name: 'refused at the start', findings: ['refused'], want: 'down' },
    { name: 'one success after it', findings: ['refused', 'ready'], want: 'down' },
    { name: 'two successes', findings: ['refused', 'ready', 'ready'], want: 'up' },
    { name: 'it starts and fails again', findings: ['refused', 'ready', 'unready', 'ready'], want: 'down' },
  ];
  for (const { name, findings, want } of cases) t.equal(findings.reduce(judge, unjudged).state, want, name);
});
