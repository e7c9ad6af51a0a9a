import { expect, test } from 'vitest';
import { Events } from './events.ts';
import { type Logger, silentLogger } from './ports/logger.ts';

/** Events, and everything in its order: what listeners heard, and what was logged. */
function stage() {
  const happened: string[] = [];
  const waiting: (() => void)[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (fields, message) => {
      const { err, event } = fields as { readonly err: Error; readonly event: string };
      happened.push(`${message}: ${event}, ${err.message}`);
    },
  };
  const events = new Events(logger, (run) => waiting.push(run));
  const tell = (): void => {
    for (const run of waiting.splice(0)) run();
  };
  return { events, happened, tell };
}

const up = { id: 2, up: true };

test('listeners hear after the step that caused it, in its order', () => {
  const { events, happened, tell } = stage();
  events.on('peer', ({ id }) => happened.push(`peer ${id}`));
  events.on('following', ({ leader }) => happened.push(`following ${leader}`));
  events.emit('peer', up);
  events.emit('following', { leader: 2 });
  expect(happened).toEqual([]);
  tell();
  expect(happened).toEqual(['peer 2', 'following 2']);
});

test('a listener that throws is logged, and the next one hears all the same', async () => {
  const { events, happened, tell } = stage();
  events.on('peer', () => {
    throw new Error('at once');
  });
  // A rejection that nobody takes would end the process.
  const rejected = Promise.reject(new Error('by a promise'));
  events.on('peer', () => rejected as unknown as void);
  events.on('peer', () => happened.push('heard'));
  events.emit('peer', up);
  tell();
  await rejected.catch(() => undefined);
  expect(happened).toEqual([
    'a listener threw: peer, at once',
    'heard',
    'a listener threw: peer, by a promise',
  ]);
});

test('a listener may change who listens', () => {
  const { events, happened, tell } = stage();
  const late = (): void => void happened.push('late');
  const gone = (): void => void happened.push('gone');
  events.on('peer', () => {
    events.off('peer', gone);
    events.on('peer', late);
  });
  events.on('peer', gone);
  events.emit('peer', up);
  tell();
  expect(happened).toEqual([]);
  events.emit('peer', up);
  tell();
  expect(happened).toEqual(['late']);
});

test('stopped is told once, and nothing after it', () => {
  // A listener of `stopped` lets go of what the others use.
  const { events, happened, tell } = stage();
  events.on('peer', () => happened.push('peer'));
  events.on('stopped', () => happened.push('stopped'));
  events.emit('peer', up);
  events.emit('stopped', { error: undefined });
  events.emit('peer', up);
  events.emit('stopped', { error: undefined });
  tell();
  expect(happened).toEqual(['peer', 'stopped']);
});
