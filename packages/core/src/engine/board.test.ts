import { expect, test } from 'vitest';
import { BoardReader, boardMemory, BoardWriter, type Notice } from './board.ts';

const lockWord = 5;
const notice = (resets: number): Notice => ({ resets, status: { state: 'leader' } }) as Notice;

function stage() {
  const memory = boardMemory(3);
  return { memory, reader: new BoardReader(memory), writer: new BoardWriter(memory) };
}

test('the newest outlook is seen, with every ballot there may be', () => {
  const { reader, writer } = stage();
  expect(reader.outlook()).toEqual({ ballot: undefined, refusesCommands: false });
  const ballot = { configuration: 2 ** 32 - 1, round: 2 ** 32 - 1, proposer: 65_535 };
  writer.showOutlook({
    ballot: { configuration: 1, round: 1, proposer: 1 },
    refusesCommands: false,
  });
  writer.showOutlook({ ballot, refusesCommands: true });
  expect(reader.outlook()).toEqual({ ballot, refusesCommands: true });
  writer.showOutlook({ ballot: undefined, refusesCommands: false });
  expect(reader.outlook()).toEqual({ ballot: undefined, refusesCommands: false });
});

test('an outlook that is being written is not taken for a whole one', () => {
  const { memory, reader, writer } = stage();
  writer.showOutlook({
    ballot: { configuration: 1, round: 1, proposer: 1 },
    refusesCommands: false,
  });
  const seen = reader.outlook();
  const words = new Int32Array(memory);
  words[0] = (words[0] ?? 0) + 1;
  words[3] = 9;
  expect(reader.outlook()).toEqual(seen);
  words[0] = (words[0] ?? 0) + 1;
  expect(reader.outlook().ballot?.round).toBe(9);
});

test('nobody waits for the other: the writer tries again, the reader has the last one', () => {
  const { memory, reader, writer } = stage();
  expect(reader.notice()).toBeUndefined();
  writer.showNotice(notice(1));
  expect(reader.notice()).toEqual(notice(1));
  const words = new Int32Array(memory);
  words[lockWord] = 1;
  expect(writer.showNotice(notice(2))).toBe(false);
  expect(reader.notice()).toEqual(notice(1));
  words[lockWord] = 0;
  expect(writer.showNotice(notice(2))).toBe(true);
  expect(reader.notice()).toEqual(notice(2));
});
