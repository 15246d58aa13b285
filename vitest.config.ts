import { defineConfig } from 'vitest/config'

/** Long tests (`*.long.test.ts`) run with HIGHWATER_LONG=1 only. */
const exclude = process.env.HIGHWATER_LONG === '1' ? [] : ['tests/**/*.long.test.ts']

/** Their files share a process: to import the engine anew takes longer than most of them run. */
const UNIT = 'tests/unit/**/*.test.ts'

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    // Real servers start in tests, and two of them share a machine of two cores.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: [UNIT], exclude, isolate: false } },
      {
        extends: true,
        test: { name: 'whole', include: ['tests/**/*.test.ts'], exclude: [...exclude, UNIT] },
      },
    ],
  },
})
