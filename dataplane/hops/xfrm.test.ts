import t from 'tap';
import { parseXfrm, policyFor } from './xfrm';

const text = `src 10.9.0.0/16 dst 10.8.0.0/16 
	dir out priority 0 ptype main 
	tmpl src 192.0.2.1 dst 192.0.2.2
		proto esp reqid 0 mode tunnel
src 10.244.9.1/32 dst 10.244.9.2/32 
	dir out action block priority 0 ptype main 
src 10.244.9.3/32 dst 0.0.0.0/0 
	dir fwd action block priority 0 ptype main 
`;

t.test('policies for what leaves', async (t) => {
  const policies = parseXfrm(text);
  t.equal(policies.length, 3);
  t.match(policyFor(policies, { source: '10.244.9.1', destination: '10.244.9.2' }), { blocks: true });
  t.match(policyFor(policies, { source: '10.9.1.1', destination: '10.8.1.1' }), { tunnel: '192.0.2.1 to 192.0.2.2' });
  t.equal(policyFor(policies, { source: '10.244.9.3', destination: '10.1.1.1' }), undefined, 'dir fwd');
  t.equal(policyFor(policies, { source: 'fd00::1', destination: 'fd00::2' }), undefined);
  t.same(parseXfrm(''), []);
});
