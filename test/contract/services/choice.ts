// Which backend a connection gets.
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases, web } from './cases';

export const choiceCases: ServiceCases = {
  'connections are spread evenly': async (t, lab, rules) => {
    await rules.apply(web([at('a'), at('b'), at('far')]));
    const draws = 450;
    const sigma = Math.sqrt(draws * (1 / 3) * (2 / 3));
    // By chance, one in a hundred samples of three counts is outside three sigma, and twice in a row one in ten thousand.
    let worst = Number.POSITIVE_INFINITY;
    for (let sample = 0; sample < 2 && worst > 3 * sigma; sample++) {
      const counts = new Map([
        ['a', 0],
        ['b', 0],
        ['far', 0],
      ]);
      for (let i = 0; i < draws; i++) {
        const place = (await lab.ask('node', '10.96.3.7', 80)).split(' ')[0]!;
        counts.set(place, (counts.get(place) ?? 0) + 1);
      }
      t.equal(counts.size, 3);
      worst = Math.max(...[...counts.values()].map((count) => Math.abs(count - draws / 3)));
    }
    t.ok(worst <= 3 * sigma, `largest deviation ${worst}`);
  },

  'hundreds of endpoints are added, changed and removed': async (t, lab, rules) => {
    // No machine has these addresses: the test shows that the kernel accepts each change, and that the last one answers.
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...at('far'),
      address: `10.244.7.${(i % 250) + 1}`,
      port: 2000 + i,
    }));
    for (const endpoints of [many, many.slice(1), [...many, at('a')], [at('a')], many, [at('b')]]) {
      await rules.apply(web(endpoints));
      t.same(await rules.check(), []);
    }
    t.match(await lab.ask('node', '10.96.3.7', 80), /^b /);
  },

  'a client outside has affinity too, and each client has its own': async (t, lab, rules) => {
    await rules.apply(web([at('a'), at('b'), at('far')], { affinitySeconds: 10_800 }, { nodePort: 30080 }));
    const seen = new Map<string, Set<string>>();
    for (const from of ['outside', 'node'] as const) {
      const host = from === 'outside' ? addresses.node : '10.96.3.7';
      const port = from === 'outside' ? 30080 : 80;
      const places = new Set<string>();
      for (let i = 0; i < 20; i++) places.add((await lab.ask(from, host, port)).split(' ')[0]!);
      seen.set(from, places);
    }
    for (const [from, places] of seen) t.equal(places.size, 1, `${from} stays at ${[...places]}`);
    await rules.apply(web([at('b')], { affinitySeconds: 10_800 }, { nodePort: 30080 }));
    t.match(await lab.ask('outside', addresses.node, 30080), /^b /, 'a removed backend keeps no client');
  },

  'hints keep connections near, for pods and for outsiders': async (t, lab, rules) => {
    await rules.apply(web([at('a'), at('far', { elsewhere: true })], {}, { nodePort: 30080 }));
    for (let i = 0; i < 12; i++) {
      t.match(await lab.ask('b', '10.96.3.7', 80), /^a /);
      t.match(await lab.ask('outside', addresses.node, 30080), /^a /);
    }
    await rules.apply(web([at('a', { elsewhere: true }), at('far')], { internalLocal: true }));
    t.match(await lab.ask('b', '10.96.3.7', 80), /^a /, 'with policy Local, hints have no effect');
  },

  'affinity lasts until its time-out': async (t, lab, rules) => {
    await rules.apply(web([at('a'), at('b'), at('far')], { affinitySeconds: 1 }));
    const first = await lab.ask('node', '10.96.3.7', 80);
    for (let i = 0; i < 20; i++) t.equal(await lab.ask('node', '10.96.3.7', 80), first);
    // The kernel's own clock decides, and every connection to check it would restart the time-out.
    const places = new Set([first]);
    for (let i = 0; i < 12 && places.size === 1; i++) {
      await new Promise((resolve) => setTimeout(resolve, 2_100));
      places.add(await lab.ask('node', '10.96.3.7', 80));
    }
    t.ok(places.size > 1, 'after a longer pause, the backend is random again');
  },
};
