import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { sourceAliases } from '../../source-aliases.mjs';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: sourceAliases, dedupe: ['react', 'react-dom', 'livekit-client'] },
  build: {
    // Inlined files would need `data:` in the page's content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Most of it is livekit-client, which every page here needs at once.
    chunkSizeWarningLimit: 1200,
  },
});
