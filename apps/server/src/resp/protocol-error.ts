/** What a client sent is not RESP: it is told so once and its connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  constructor(what: string) {
    super(`ERR Protocol error: ${what}`);
  }
}
