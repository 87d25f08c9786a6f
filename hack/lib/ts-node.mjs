// Lets tap run tests written in TypeScript: loaded with --import into every test process. Files that are required are
// compiled by ts-node as in `node -r ts-node/register`; the test file itself comes through Node's module hooks, because tap
// adds its own with --import, and there the built-in type stripping would refuse parameter properties. The schemas that the tests read are written first when they are old.

import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const service = require('ts-node').register();

await require('../update/fresh-schemas.ts').refreshSchemas();

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith('.ts') || !url.startsWith('file:')) return nextLoad(url, context);
    const path = fileURLToPath(url);
    const source = readFileSync(path, 'utf8');
    // What is required is compiled by ts-node afterwards; the entry point is not.
    if (context.conditions?.includes('require')) return { format: 'commonjs', source, shortCircuit: true };
    return { format: 'commonjs', source: service.compile(source, path), shortCircuit: true };
  },
});
