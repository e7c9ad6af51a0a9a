import { type CommandCodec, InvalidOptionError } from '@rsl/core';
import { Args } from '../args.ts';
import { BundleWriter } from '../bundle/bundle-writer.ts';
import { hasArity, type StateCommand } from '../commands/command.ts';
import { stateCommands } from '../commands/state-commands.ts';
import { isReading } from '../bundle/only-reads.ts';
import { type Bulk, type Reply, replyIn } from './reply-reader.ts';

/** A name or an argument: text goes as UTF-8, bytes as they are. */
export type Word = string | Uint8Array;
/** `['SET', 'greeting', 'hello']`: a name, however capitalised, and its arguments. */
export type Words = readonly Word[];
/** One command; or several that execute in one place, as by EXEC: then an array of replies. */
export type Command = Words | { readonly multi: readonly Words[] };

const named = new Map(stateCommands.map((command) => [command.name.toUpperCase(), command]));

/**
 * What `connectClient` of `@rsl/core/client` needs to speak to `rsl-server --clients`. Commands are
 * those on keys, and PING and ECHO. `query` takes those that only read; TTL and PTTL are none, for
 * what they answer depends on the time that the log gives them.
 *
 * RSL_INVALID_OPTION if it is no command, or has too many or too few arguments: nothing was sent.
 * RSL_APPLICATION if the server executed it and answered with an error, as of a wrong type: its
 * `applicationCode` is the first word. RSL_RESULT_GONE if the reply was larger than
 * `--max-output-bytes`.
 */
export const textCodec: CommandCodec<Command, Reply> = codecOf('text');

/** The same for values that are no UTF-8: what is a text in replies of `textCodec` is bytes. */
export const bytesCodec: CommandCodec<Command, Reply> = codecOf('bytes');

function codecOf(bulk: Bulk): CommandCodec<Command, Reply> {
  return {
    encodeCommand: (command) => encoded(command, () => true),
    encodeQuestion: (question) => encoded(question as Command, isReading),
    decodeResult: (bytes) => replyIn(bytes, bulk),
    decodeAnswer: (bytes) => replyIn(bytes, bulk),
  };
}

function encoded(command: Command, isAllowed: (command: StateCommand) => boolean): Uint8Array {
  const bundle = new BundleWriter(2, 0);
  if (!('multi' in command)) {
    add(command, bundle, isAllowed);
    return bundle.bytes;
  }
  const queued = new BundleWriter(2, 0);
  for (const words of command.multi) add(words, queued, isAllowed);
  bundle.addExec(new Map(), queued);
  return bundle.bytes;
}

function add(
  words: Words,
  bundle: BundleWriter,
  isAllowed: (command: StateCommand) => boolean,
): void {
  const [name = '', ...rest] = words.map((word) => Buffer.from(word as Uint8Array));
  const command = named.get(String(name).toUpperCase());
  if (command === undefined) throw refused(`'${String(name).slice(0, 40)}' is none on keys`);
  if (!hasArity(command, words.length)) {
    throw refused(`${command.name} does not take ${words.length - 1} arguments`);
  }
  if (!isAllowed(command)) throw refused(`${command.name} does not only read: propose it`);
  const args = new Args();
  args.clear(Buffer.concat(rest));
  let at = 0;
  for (const { length } of rest) args.add(at, (at += length));
  bundle.add(command.id, args);
}

const refused = (why: string): InvalidOptionError => new InvalidOptionError('command', why);
