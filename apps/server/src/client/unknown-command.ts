import type { Args } from '../args.ts';

const shownMax = 128;

/** Redis' words for it: the name and the first arguments, cut to a line that can be read. */
export function unknownCommand(name: string, args: Args): string {
  let shown = '';
  for (let i = 0; i < args.count && shown.length < shownMax; i++) {
    shown += `'${args.text(i).slice(0, shownMax - shown.length)}' `;
  }
  return `ERR unknown command '${name.slice(0, shownMax)}', with args beginning with: ${shown}`;
}
