import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { sourceAliases } from './source-aliases.mjs';

const project = (name: string, environment: 'node' | 'happy-dom') => ({
  plugins: [react()],
  resolve: { alias: sourceAliases },
  test: {
    name,
    environment,
    include: [`packages/${name}/test/**/*.test.{ts,tsx}`, `packages/${name}/src/**/*.test.{ts,tsx}`],
    testTimeout: 10_000,
    restoreMocks: true,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('client', 'node'),
      project('react', 'happy-dom'),
      project('node', 'node'),
      'apps/*/vitest.config.ts',
    ],
  },
});
