/** Commands and replies of `rsl-server` for `connectClient` of `@rsl/core/client`. */
export { bytesCodec, type Command, textCodec, type Word, type Words } from './command-codec.ts';
export type { Reply } from './reply-reader.ts';
