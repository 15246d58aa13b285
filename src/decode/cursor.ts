import { RejectError, type RejectReason } from '../model/reject.ts'

/**
 * Reads MessagePack values one by one from a message, without building objects. The library decoder
 * is not used on what comes from outside: it allocates what an array header promises before it has
 * seen the elements, so that a nested 1 MiB message asks for tens of gigabytes; it also drops
 * duplicate keys without a word. Everything that is wrong becomes a RejectError; no other error
 * leaves here.
 */
export class Cursor {
  /** The message; owned by the caller, valid until the next `reset`. */
  bytes: Uint8Array = new Uint8Array(0)
  /** Next byte to read. */
  offset = 0
  /** Where the last string or bin read lies. */
  spanOffset = 0
  spanSize = 0
  /** Where in the message's structure we are, for positions of errors; empty and -1: not there. */
  root = ''
  row = -1
  column = -1
  field = ''
  entry = ''
  /** All of the buffer that the message lies in; it begins at `base`. */
  view: DataView = new DataView(new ArrayBuffer(0))
  base = 0
  #end = 0

  /** Starts a message. */
  reset(bytes: Uint8Array): void {
    this.bytes = bytes
    // Messages share buffers: those of one read from a socket cost one view.
    const { buffer } = bytes
    if (this.view.buffer !== buffer) this.view = new DataView(buffer)
    this.base = bytes.byteOffset
    this.#end = bytes.byteLength
    this.offset = 0
    this.root = ''
    this.row = -1
    this.column = -1
    this.field = ''
    this.entry = ''
  }

  /** Refuses what follows the message's one value. */
  expectEnd(): void {
    if (this.offset === this.#end) return
    this.root = ''
    throw this.reject('malformed', `${this.#end - this.offset} bytes after the message`)
  }

  /** Path of the value being read, or its byte offset. */
  position(): string {
    if (this.root === '') return `offset ${this.offset}`
    let path = this.root
    if (this.row >= 0) path += `[${this.row}]`
    if (this.column >= 0) path += `[${this.column}]`
    if (this.field !== '') path += `.${this.field}`
    if (this.entry !== '') path += `.${this.entry}`
    return path
  }

  /** An error at the present position; the caller throws it. */
  reject(reason: RejectReason, detail: string): RejectError {
    return new RejectError(reason, this.position(), detail)
  }

  /** True and consumed if the next value is nil. */
  takeNil(): boolean {
    this.#need(1)
    if (this.bytes[this.offset] !== 0xc0) return false
    this.offset += 1
    return true
  }

  /** Entries of the map that starts here. */
  readMapSize(): number {
    const head = this.#readHead()
    if (head >= 0x80 && head <= 0x8f) return head - 0x80
    if (head === 0xde) return this.#readUint16()
    if (head === 0xdf) return this.#readUint32()
    throw this.#wrongType(head, 'a map')
  }

  /** Elements of the array that starts here. */
  readArraySize(): number {
    const head = this.#readHead()
    if (head >= 0x90 && head <= 0x9f) return head - 0x90
    if (head === 0xdc) return this.#readUint16()
    if (head === 0xdd) return this.#readUint32()
    throw this.#wrongType(head, 'an array')
  }

  /** True if the next value is an integer or a float. */
  isNumberNext(): boolean {
    this.#need(1)
    const head = this.bytes[this.offset]!
    return head < 0x80 || head >= 0xe0 || (head >= 0xca && head <= 0xd3)
  }

  /** True if the next value is a string. */
  isStringNext(): boolean {
    this.#need(1)
    const head = this.bytes[this.offset]!
    return (head >= 0xa0 && head <= 0xbf) || (head >= 0xd9 && head <= 0xdb)
  }

  /** True if the next value is true or false. */
  isBooleanNext(): boolean {
    this.#need(1)
    const head = this.bytes[this.offset]!
    return head === 0xc2 || head === 0xc3
  }

  /**
   * Any integer or float, never -0. Integers beyond 2^53 come back rounded, which leaves them
   * beyond it: range checks still see them.
   */
  readNumber(): number {
    const head = this.#readHead()
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 0x100
    const at = this.base + this.offset
    switch (head) {
      case 0xca:
        this.#advance(4)
        return this.view.getFloat32(at) + 0
      case 0xcb:
        this.#advance(8)
        return this.view.getFloat64(at) + 0
      case 0xcc:
        this.#advance(1)
        return this.view.getUint8(at)
      case 0xcd:
        return this.#readUint16()
      case 0xce:
        return this.#readUint32()
      case 0xcf:
        this.#advance(8)
        return this.view.getUint32(at) * 4_294_967_296 + this.view.getUint32(at + 4)
      case 0xd0:
        this.#advance(1)
        return this.view.getInt8(at)
      case 0xd1:
        this.#advance(2)
        return this.view.getInt16(at)
      case 0xd2:
        this.#advance(4)
        return this.view.getInt32(at)
      case 0xd3:
        this.#advance(8)
        return this.view.getInt32(at) * 4_294_967_296 + this.view.getUint32(at + 4)
    }
    throw this.#wrongType(head, 'a number')
  }

  /** true or false. */
  readBoolean(): boolean {
    const head = this.#readHead()
    if (head === 0xc3) return true
    if (head === 0xc2) return false
    throw this.#wrongType(head, 'true or false')
  }

  /** Finds a string's bytes (spanOffset, spanSize) and passes them. They may not be UTF-8. */
  readStringSpan(): void {
    const head = this.#readHead()
    let size: number
    if (head >= 0xa0 && head <= 0xbf) size = head - 0xa0
    else if (head === 0xd9) size = this.#readUint8()
    else if (head === 0xda) size = this.#readUint16()
    else if (head === 0xdb) size = this.#readUint32()
    else throw this.#wrongType(head, 'a string')
    this.#passSpan(size)
  }

  /** Finds a bin's bytes (spanOffset, spanSize) and passes them. */
  readBinSpan(): void {
    const head = this.#readHead()
    let size: number
    if (head === 0xc4) size = this.#readUint8()
    else if (head === 0xc5) size = this.#readUint16()
    else if (head === 0xc6) size = this.#readUint32()
    else throw this.#wrongType(head, 'a bin')
    this.#passSpan(size)
  }

  /** A string of at most `sizeMax` bytes; longer is `oversized`, bad UTF-8 `malformed`. */
  readString(sizeMax: number): string {
    this.readStringSpan()
    if (this.spanSize > sizeMax) {
      throw this.reject('oversized', `a string of ${this.spanSize} bytes, at most ${sizeMax}`)
    }
    const end = this.spanOffset + this.spanSize
    if (this.spanSize <= 24) {
      let text = ''
      let at = this.spanOffset
      for (; at < end && this.bytes[at]! < 0x80; at++) text += String.fromCharCode(this.bytes[at]!)
      if (at === end) return text
    }
    try {
      return UTF8.decode(this.bytes.subarray(this.spanOffset, end))
    } catch {
      throw this.reject('malformed', 'a string that is not UTF-8')
    }
  }

  #passSpan(size: number): void {
    this.spanOffset = this.offset
    this.spanSize = size
    this.#advance(size)
  }

  #readHead(): number {
    this.#need(1)
    return this.bytes[this.offset++]!
  }

  #readUint8(): number {
    this.#advance(1)
    return this.bytes[this.offset - 1]!
  }

  #readUint16(): number {
    this.#advance(2)
    return this.view.getUint16(this.base + this.offset - 2)
  }

  #readUint32(): number {
    this.#advance(4)
    return this.view.getUint32(this.base + this.offset - 4)
  }

  #advance(size: number): void {
    this.#need(size)
    this.offset += size
  }

  #need(size: number): void {
    if (this.#end - this.offset >= size) return
    throw this.reject('truncated', `the message ends at offset ${this.#end}`)
  }

  #wrongType(head: number, expected: string): RejectError {
    this.offset -= 1
    const detail = `expected ${expected} at offset ${this.offset}`
    return this.reject(head === 0xc1 ? 'malformed' : 'bad-type', detail)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
