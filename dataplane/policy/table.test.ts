// The table of a plan has all that the transaction of the plan writes.
import t from 'tap';
import { NftTables } from '../path/nft/tables';
import { renderStructure } from '../service/nft/transaction';
import { guardText } from './bridge-guard';
import type { PolicyPlan } from './model';
import { policyTables } from './table';
import { renderUpdate } from './update';

const plan: PolicyPlan = {
  chains: new Map([
    ['leave', { rules: [{ matches: [], verdict: { verdict: 'drop' }, comment: 'shop/a: ingress[0]' }] }],
    ['input', { hook: { name: 'input', priority: 10 }, rules: [] }],
  ]),
  sets: new Map([['servers4', { family: 4, kind: 'endpoint', elements: new Set(['10.0.0.1 . tcp . 80']) }]]),
  maps: new Map([['entering4', { family: 4, elements: new Map([['10.0.0.1', 'goto leave']]) }]]),
  guard: guardText(['10.244.1.0/24']),
};

t.test('chains, sets, elements and the guard', async (t) => {
  const [own, guard] = policyTables(plan, true);
  const written = new NftTables().apply(`${renderUpdate(undefined, plan)}${plan.guard}`).all;
  const chains = [own!, guard!].map(({ table, plan: content }) =>
    new NftTables()
      .apply(renderStructure(table, content).replace(' { flags dormant; }', ''))
      .all.map((one) => one.chains),
  );
  t.strictSame(
    chains.flat(),
    written.map((one) => one.chains),
  );
  t.strictSame(own!.plan.elements.get('servers4'), new Map([['10.0.0.1 . 6 . 80', '']]));
  t.strictSame(own!.plan.elements.get('entering4'), new Map([['10.0.0.1', ' : goto leave']]));
  t.equal(policyTables(plan, false).length, 1, 'a kernel without tables of bridges');
  t.equal(policyTables({ ...plan, guard: '' }, true).length, 1);
});
