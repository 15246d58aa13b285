/** Parts of a bench that run in a process of their own and report once. */

import { fork } from 'node:child_process'
import { join } from 'node:path'

/** Runs a program of this folder and resolves with the one message that it sends. */
export function forkForReport<Report>(program: string, args: readonly string[]): Promise<Report> {
  return new Promise((resolve, reject) => {
    const path = join(import.meta.dirname, program)
    const child = fork(path, [...args], { serialization: 'advanced' })
    let report: Report | null = null
    child.on('message', (message) => {
      report = message as Report
    })
    child.on('close', (code) => {
      if (report === null) reject(new Error(`${program} ended with ${code} and no report`))
      else resolve(report)
    })
  })
}
