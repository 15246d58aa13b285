import { decode } from '@msgpack/msgpack'
import { expect, it } from 'vitest'
import { Rejects } from '../../../src/outbox/rejects.ts'

interface Part {
  in: number
  ordinal: number
  part: number
  parts: number
  reason: string
  position: string
  detail: string
  subject: string
  body: Uint8Array
}

const REJECT = { reason: 'negative', position: 'bytes[3]', detail: 'must not be' } as const

it.each([0, 1, 524_288, 524_289, 1_048_576])(
  'a body of %i bytes travels whole, in parts',
  (size) => {
    const rejects = new Rejects()
    const body = Uint8Array.from({ length: size }, (_, index) => index * 7)
    rejects.add(9, 'usage.0.p', REJECT, body)
    const parts = rejects.takeAll()
    expect(parts).toHaveLength(Math.max(1, Math.ceil(size / 524_288)))
    const wire = parts.map(({ bytes }) => decode(bytes) as Part)
    expect(Buffer.concat(wire.map((part) => part.body)).equals(Buffer.from(body))).toBe(true)
    for (const [index, part] of wire.entries()) {
      expect(part).toMatchObject({
        v: 1,
        in: 9,
        ordinal: 0,
        part: index,
        parts: wire.length,
        ...REJECT,
      })
      expect(parts[index]!.messageId).toBe(`9-0-${index}`)
      // With its headers it still fits a message of 1 MiB.
      expect(parts[index]!.bytes.byteLength).toBeLessThan(600_000)
    }
  },
)

it('keys are the input, the ordinal within it and the part, the same on every replay', () => {
  const run = (): string[] => {
    const rejects = new Rejects()
    for (const sequence of [4, 4, 4, 5, 7, 7]) rejects.add(sequence, 's', REJECT, new Uint8Array(3))
    return rejects.takeAll().map(({ messageId }) => messageId)
  }
  expect(run()).toEqual(['4-0-0', '4-1-0', '4-2-0', '5-0-0', '7-0-0', '7-1-0'])
  expect(run()).toEqual(run())
})

it('hostile text is cut and made printable, and the body is copied', () => {
  const rejects = new Rejects()
  const body = Uint8Array.of(1, 2, 3)
  const position = `\u0000\n\u{1f600}${'x'.repeat(1000)}`
  rejects.add(1, 'usage.0.ü', { ...REJECT, position }, body)
  body.fill(9)
  expect(rejects.waitingCount).toBe(1)
  expect(rejects.waitingSize).toBeGreaterThan(3)
  const [part] = rejects.takeAll()
  const wire = decode(part!.bytes) as Part
  expect(wire.position).toMatch(/^\?{4}x+$/)
  expect(wire.position).toHaveLength(256)
  expect(wire.subject).toBe('usage.0.?')
  expect([...wire.body]).toEqual([1, 2, 3])
  expect([rejects.waitingCount, rejects.waitingSize]).toEqual([0, 0])
})
