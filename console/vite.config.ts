import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Addresses within the page are relative, so the files may lie anywhere; nothing is inlined, so the policy of the page may be strict.
export default defineConfig({
  base: './',
  plugins: [react()],
  // `dist/` has a file that Git keeps, so it is not emptied as a whole: the script `build` removes what was built before.
  build: {
    target: 'es2022', cssTarget: ['chrome123', 'firefox121', 'safari17.5'], assetsInlineLimit: 0, modulePreload: { polyfill: false }, manifest: 'manifest.json',
    emptyOutDir: false, chunkSizeWarningLimit: 600,
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8787', '/_dev': 'http://127.0.0.1:8787' } },
  test: { include: ['src/**/*.test.ts'] },
});
