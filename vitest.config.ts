import { defineConfig } from 'vitest/config'

/** Long tests (`*.long.test.ts`) run with HIGHWATER_LONG=1 only. */
const exclude = process.env.HIGHWATER_LONG === '1' ? [] : ['tests/**/*.long.test.ts']

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude,
    globalSetup: ['tests/support/global-setup.ts'],
    // Real servers start in tests, and two of them share a machine of two cores.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
