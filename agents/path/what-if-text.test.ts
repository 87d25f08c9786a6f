import t from 'tap';
import { completeReport, worksReport } from './report.fixture';
import { asItWouldBe, renderWhatIf } from './what-if-text';

const { whatIf } = completeReport;

t.test('objects, hops that differ with their rules, one sentence', async (t) => {
  const objects = (['changed', 'unchanged', 'deleted', 'derived', 'ignored'] as const).map((change) => ({
    object: `Service shop/${change}`,
    change,
  }));
  const text = renderWhatIf(
    completeReport,
    { ...whatIf!, objects: [...whatIf!.objects, ...objects] },
    { details: false, colour: false, width: 200 },
  );
  for (const line of [
    '  Service shop/cart would be created: its pods do not exist yet',
    '  Service shop/changed would be changed',
    '  Service shop/unchanged is so already',
    '  Service shop/deleted would be deleted',
    '  Service shop/derived would follow',
    '  Service shop/ignored has no part in it',
    '    - filter FORWARD: -A FORWARD -j DROP',
  ])
    t.match(text, `\n${line}\n`);
  t.match(text, /\n\nThe manifest would open this path: .*\n$/);
  t.match(renderWhatIf(completeReport, whatIf!, { details: false, colour: true, width: 80 }), '\x1b[32m');
});

t.test('the path as it would be is a report of its own', async (t) => {
  const report = asItWouldBe(completeReport);
  t.strictSame(report.verdict, whatIf!.verdict);
  t.equal(report.whatIf, undefined);
  t.equal(report.probed, false);
  t.equal(asItWouldBe(worksReport), worksReport);
});
