import { defineConfig } from 'vitest/config';
import { sourceAliases } from '../../source-aliases.mjs';

export default defineConfig({
  resolve: { alias: sourceAliases },
  test: { name: 'telemedicine', environment: 'happy-dom', include: ['test/**/*.test.ts'], restoreMocks: true },
});
