// One process, with one replica.
import { Seat } from './seat.ts';
import type { Answer, Question, Setup } from './words.ts';

const seat = new Seat(JSON.parse(process.argv[2] ?? '') as Setup);

process.on('message', ({ number, wanted }: Question) => {
  const answer = (given: Omit<Answer, 'number'>): void => {
    process.send?.({ number, ...given } satisfies Answer);
  };
  seat.answerTo(wanted).then(
    (given) => answer({ given }),
    (error: unknown) => answer({ error: String(error) }),
  );
});
// Whoever has asked is gone: nobody wants this replica any more.
process.on('disconnect', () => process.exit(0));
