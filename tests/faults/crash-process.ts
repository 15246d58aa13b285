/**
 * A partition in a process of its own that kills itself at a planned point:
 * `crash-process.ts URL STORE POINT OCCURRENCE`. SIGTERM drains it.
 */

import { type CrashPoint, CrashTrap, trappedPorts } from './crash-ports.ts'
import { startPartition } from './real-partition.ts'

const [url, storeDirectory, point, occurrence] = process.argv.slice(2)
const trap = new CrashTrap({ point: point as CrashPoint, occurrence: Number(occurrence) })
let isLive = false

const partition = await startPartition({
  url: url!,
  storeDirectory: storeDirectory!,
  wrap: (ports) => trappedPorts(ports, trap, () => isLive),
})
process.once('SIGTERM', async () => {
  trap.drain()
  await partition.close()
  process.exit(0)
})
void partition.done.then(() => {
  const { halt } = partition.worker
  if (halt === null) return
  console.error(halt.stack, halt.cause)
  process.exit(1)
})
await partition.worker.untilLive()
isLive = true
console.log('live')
