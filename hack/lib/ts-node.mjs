import { createRequire, registerHooks } from 'node:module';

createRequire(import.meta.url)('ts-node/register');
registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith('.ts')) return nextLoad(url, context);
    return { format: 'commonjs', source: null, shortCircuit: true };
  },
});
