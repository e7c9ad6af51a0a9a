// One process, with a replica of each group that it is told to open.
import { Seat } from './seat.ts';
import type { Answer, Question, Setup } from './words.ts';

const setup = JSON.parse(process.argv[2] ?? '') as Setup;
const seats = new Map<string, Seat>();

async function answerTo({ group, wanted }: Question): Promise<Answer['answer']> {
  if (wanted.kind === 'open') {
    seats.set(group, await Seat.open(setup, group, wanted));
    return undefined;
  }
  const seat = seats.get(group);
  if (wanted.kind === 'close') seats.delete(group);
  return seat?.answerTo(wanted);
}

process.on('message', (question: Question) => {
  void answerTo(question).then((answer) => {
    process.send?.({ number: question.number, answer } satisfies Answer);
  });
});
// Whoever has asked is gone: nobody wants these replicas any more.
process.on('disconnect', () => process.exit(0));
