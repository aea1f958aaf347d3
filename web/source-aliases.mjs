// Vite and Vitest read the packages' sources through these, so that neither a test nor an app build
// needs a build of the packages first.
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export const sourceAliases = [
  { find: /^@callclock\/client\/testing$/, replacement: at('./packages/client/src/testing/index.ts') },
  { find: /^@callclock\/client$/, replacement: at('./packages/client/src/index.ts') },
  { find: /^@callclock\/react\/dist\/css\/styles\.css$/, replacement: at('./packages/react/src/styles/styles.css') },
  { find: /^@callclock\/react$/, replacement: at('./packages/react/src/index.ts') },
  { find: /^@callclock\/node$/, replacement: at('./packages/node/src/index.ts') },
];
