/** Worker, broker and the owner that grants, killed under the policy story. */

import { killBrokers } from './broker-kill.ts'
import type { FaultFamily } from './family.ts'
import { tellPolicyStory } from './policy-story.ts'
import { handOver } from './standby-promotion.ts'
import { killWorkers } from './worker-kill.ts'

/** About 500 decisions. */
const STEPS_PER_KILL = 20

/** Random kills of a worker that owns both partitions. */
export const POLICY_KILL: FaultFamily = {
  name: 'policy-kill',
  summary: 'kill -9 of a worker with two partitions that share limits, under all of the policy',
  runs: 100,
  runsPerEpisode: 20,
  play: (options) => killWorkers(options, tellPolicyStory(options.seed, storySteps(options.runs))),
}

/** Kills of the broker while asks and grants are under way. */
export const POLICY_BROKER: FaultFamily = {
  name: 'policy-broker',
  summary: 'kill -9 and restart of the nats-server while asks, grants, counts are under way',
  runs: 40,
  runsPerEpisode: 20,
  play: (options) => killBrokers(options, tellPolicyStory(options.seed, storySteps(options.runs))),
}

/** The owner of the partition that grants, handed over while the other one asks. */
export const POLICY_HANDOVER: FaultFamily = {
  name: 'policy-handover',
  summary: 'owner of the granting partition killed, stopped or replaced, another worker asks on',
  runs: 20,
  runsPerEpisode: 10,
  play: (options) => {
    const story = tellPolicyStory(options.seed, storySteps(options.runs))
    return handOver(options, story, { owned: [0], neighbour: [1] })
  },
}

function storySteps(runs: number): number {
  return runs * STEPS_PER_KILL
}
