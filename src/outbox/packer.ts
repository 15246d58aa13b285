/**
 * An append-only MessagePack writer over one growing buffer: no object, no string encoding twice.
 */

const encoder = new TextEncoder()
/** Texts that repeat (keys, trigger ids, messages) are encoded once. */
const ENCODED_TEXTS_MAX = 10_000
const SHORT_SIZE = 48

/**
 * `bytes` holds `size` written bytes; both may be read at any time, `bytes` is replaced when it
 * grows.
 */
export class Packer {
  bytes: Uint8Array
  size = 0
  #view: DataView
  readonly #texts = new Map<string, Uint8Array>()

  constructor(capacity = 64 * 1024) {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
  }

  reset(): void {
    this.size = 0
  }

  /** Forgets the first `count` bytes. */
  discard(count: number): void {
    this.bytes.copyWithin(0, count, this.size)
    this.size -= count
  }

  map(entries: number): void {
    this.#head(entries, 0x80, 16, 0xde)
  }

  array(items: number): void {
    this.#head(items, 0x90, 16, 0xdc)
  }

  /** A text that is likely to come again. */
  text(text: string): void {
    let encoded = this.#texts.get(text)
    if (encoded === undefined) {
      encoded = encodeText(text)
      if (this.#texts.size < ENCODED_TEXTS_MAX) this.#texts.set(text, encoded)
    }
    this.raw(encoded)
  }

  /** A text that will not come again, ASCII. */
  asciiOnce(text: string): void {
    this.#reserve(text.length + 5)
    this.#textHead(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[this.size++] = text.charCodeAt(i)
  }

  /** A text that will not come again. */
  textOnce(text: string): void {
    this.raw(encodeText(text))
  }

  /** A number: the shortest integer form, or a double. */
  number(value: number): void {
    this.#reserve(9)
    const { bytes } = this
    if (Number.isInteger(value) && value >= 0 && !Object.is(value, -0)) {
      if (value < 0x80) {
        bytes[this.size++] = value
        return
      }
      if (value <= 0xffff_ffff) {
        bytes[this.size++] = 0xce
        this.#view.setUint32(this.size, value)
        this.size += 4
        return
      }
      if (value <= Number.MAX_SAFE_INTEGER) {
        bytes[this.size++] = 0xcf
        this.#view.setUint32(this.size, Math.floor(value / 0x1_0000_0000))
        this.#view.setUint32(this.size + 4, value >>> 0)
        this.size += 8
        return
      }
    }
    bytes[this.size++] = 0xcb
    this.#view.setFloat64(this.size, value)
    this.size += 8
  }

  bool(isTrue: boolean): void {
    this.#reserve(1)
    this.bytes[this.size++] = isTrue ? 0xc3 : 0xc2
  }

  /** Binary data. */
  binary(data: Uint8Array): void {
    this.#reserve(5)
    this.bytes[this.size++] = 0xc6
    this.#view.setUint32(this.size, data.byteLength)
    this.size += 4
    this.raw(data)
  }

  /** Bytes that are MessagePack already. */
  raw(encoded: Uint8Array): void {
    const { byteLength } = encoded
    this.#reserve(byteLength)
    if (byteLength > SHORT_SIZE) {
      this.bytes.set(encoded, this.size)
    } else {
      // Short ones by hand: the call of `set` costs more than the copy (bench/kernels/update).
      const { bytes, size } = this
      for (let i = 0; i < byteLength; i++) bytes[size + i] = encoded[i]!
    }
    this.size += byteLength
  }

  #head(count: number, fix: number, fixMax: number, wide: number): void {
    this.#reserve(5)
    if (count < fixMax) {
      this.bytes[this.size++] = fix | count
    } else if (count <= 0xffff) {
      this.bytes[this.size++] = wide
      this.#view.setUint16(this.size, count)
      this.size += 2
    } else {
      this.bytes[this.size++] = wide + 1
      this.#view.setUint32(this.size, count)
      this.size += 4
    }
  }

  #textHead(length: number): void {
    if (length < 32) {
      this.bytes[this.size++] = 0xa0 | length
    } else if (length < 256) {
      this.bytes[this.size++] = 0xd9
      this.bytes[this.size++] = length
    } else {
      this.bytes[this.size++] = 0xda
      this.#view.setUint16(this.size, length)
      this.size += 2
    }
  }

  #reserve(count: number): void {
    if (this.size + count <= this.bytes.byteLength) return
    const grown = new Uint8Array(Math.max(this.bytes.byteLength * 2, this.size + count))
    grown.set(this.bytes.subarray(0, this.size))
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** A text as MessagePack. */
export function encodeText(text: string): Uint8Array {
  const utf8 = encoder.encode(text)
  const packer = new Packer(utf8.byteLength + 8)
  const { byteLength } = utf8
  if (byteLength < 32) packer.raw(Uint8Array.of(0xa0 | byteLength))
  else if (byteLength < 256) packer.raw(Uint8Array.of(0xd9, byteLength))
  else packer.raw(Uint8Array.of(0xda, byteLength >>> 8, byteLength & 0xff))
  packer.raw(utf8)
  return packer.bytes.slice(0, packer.size)
}
