import type { CommandCodec } from './ports/state-machine.ts';

const raw: CommandCodec<Uint8Array, Uint8Array> = {
  encodeCommand: (command) => command,
  decodeCommand: (bytes) => bytes,
  decodeResult: (bytes) => bytes,
};

/** Bytes as they are: what whoever gives no codec has said that its commands and results are. */
export const rawCodec = <C, R>(): CommandCodec<C, R> => raw as unknown as CommandCodec<C, R>;
