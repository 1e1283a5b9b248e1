import { defineConfig } from 'vitest/config';

// The pages in Chromium against a real `carepath dev`: one system and one browser a file, the files one after the other.
export default defineConfig({
  test: { include: ['tests/**/*.browser.ts'], testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false, reporters: ['default'] },
});
