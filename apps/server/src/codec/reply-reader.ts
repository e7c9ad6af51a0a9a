import { CommandFailedError, FrameError, RslError } from '@rsl/core';

/** What bulk strings become: texts of UTF-8, or bytes. */
export type Bulk = 'text' | 'bytes';

/** Integers beyond 2^53 − 1 are bigints; an error stands only among the replies of a `multi`. */
export type Reply =
  | string
  | Uint8Array
  | number
  | bigint
  | null
  | CommandFailedError
  | readonly Reply[];

/** The one reply that these bytes are, of RESP2. Throws CommandFailedError if it is an error. */
export function replyIn(result: Uint8Array, bulk: Bulk): Reply {
  if (result.length === 0) {
    const why = 'executed; its reply was larger than --max-output-bytes';
    throw new RslError('RSL_RESULT_GONE', 'executed', why);
  }
  const reader = new ReplyReader(result, bulk);
  const reply = reader.next();
  reader.end();
  if (reply instanceof CommandFailedError) throw reply;
  return reply;
}

class ReplyReader {
  readonly #bytes: Buffer;
  readonly #bulk: Bulk;
  #at = 0;

  constructor(bytes: Uint8Array, bulk: Bulk) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bulk = bulk;
  }

  next(): Reply {
    const kind = this.#bytes[this.#at];
    const line = this.#line();
    switch (kind) {
      case 0x2b: // +
        return line;
      case 0x2d: // -
        return failed(line);
      case 0x3a: // :
        return integer(line);
      case 0x24: // $
        return this.#text(Number(line));
      case 0x2a: // *
        return this.#items(Number(line));
      default:
        throw malformed();
    }
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed();
  }

  #line(): string {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    if (end < 0) throw malformed();
    const line = this.#bytes.toString('utf8', this.#at + 1, end);
    this.#at = end + 2;
    return line;
  }

  #text(length: number): Reply {
    if (length === -1) return null;
    const start = this.#at;
    const end = start + length;
    if (!(length >= 0) || end + 2 > this.#bytes.length) throw malformed();
    this.#at = end + 2;
    // A copy: the rest of the frame is not kept for it.
    if (this.#bulk === 'bytes') return Buffer.from(this.#bytes.subarray(start, end));
    return this.#bytes.toString('utf8', start, end);
  }

  #items(count: number): Reply {
    if (count === -1) return null;
    if (!(count >= 0)) throw malformed();
    const items: Reply[] = [];
    for (let i = 0; i < count; i += 1) items.push(this.next());
    return items;
  }
}

function integer(line: string): Reply {
  if (!/^-?\d+$/.test(line)) throw malformed();
  return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
}

function failed(line: string): CommandFailedError {
  const [code = ''] = line.split(' ', 1);
  return new CommandFailedError(code, line.slice(code.length + 1), undefined);
}

const malformed = (): FrameError => new FrameError('the result is no reply of RESP2');
