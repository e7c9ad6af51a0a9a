import { channels } from '../../src/codec/frame.ts';
import { messageKinds } from '../../src/codec/message-codec.ts';
import { hostMessageKinds } from '../../src/codec/host-codec.ts';

/** Which frames: a kind, from whom, to whom; `*` is any. */
export interface Which {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
}

interface Rule extends Which {
  readonly fate: 'hold' | 'lose';
  left: number;
}

interface Held extends Which {
  readonly arrive: () => void;
}

const kindOfCode = new Map(
  Object.entries({ ...messageKinds, ...hostMessageKinds }).map(([kind, [channel, code]]) => [
    `${channel}.${code}`,
    kind,
  ]),
);

/** `2a 1>3`, `* 1>*`: the words of a script. */
export function parsedWhich(kind: string, way: string): Which {
  const [from, to] = way.split('>');
  const known = kind === '*' || [...kindOfCode.values()].includes(kind);
  if (!known || from === undefined || to === undefined) throw new Error(`${kind} ${way}: what?`);
  return { kind, from, to };
}

export function kindOf(frame: Uint8Array): string {
  const [channel = -1, code] = frame.subarray(2, 4);
  const kind = kindOfCode.get(`${channel}.${code}`);
  if (kind === undefined) throw new Error(`a frame of channel ${channel}, kind ${code}`);
  return channel === channels.forming ? 'forming' : kind;
}

/** What a script does with single frames: holds them back, loses them, lets them go. */
export class FrameRules {
  #rules: Rule[] = [];
  #held: Held[] = [];

  add(fate: Rule['fate'], which: Which, times = Infinity): void {
    this.#rules.push({ ...which, fate, left: times });
  }

  /** No rule for these any more; what was held goes on, or is lost. */
  end(which: Which, how: 'deliver' | 'discard'): void {
    this.#rules = this.#rules.filter((rule) => !isSame(rule, which));
    const held = this.#held.filter((each) => matches(which, each));
    if (held.length === 0) throw new Error(`no ${which.kind} ${which.from}>${which.to} is held`);
    this.#held = this.#held.filter((each) => !matches(which, each));
    if (how === 'deliver') for (const each of held) each.arrive();
  }

  /** Takes rules of exactly these words away, if there are any. */
  forget(which: Which): void {
    this.#rules = this.#rules.filter((rule) => !isSame(rule, which));
  }

  /** True if it goes on at once; else it was lost, or waits for `end`. */
  passes(frame: Which, arrive: () => void): boolean {
    const rule = this.#rules.find((each) => each.left > 0 && matches(each, frame));
    if (rule === undefined) return true;
    rule.left -= 1;
    if (rule.fate === 'hold') this.#held.push({ ...frame, arrive });
    return false;
  }
}

const isSame = (a: Which, b: Which): boolean =>
  a.kind === b.kind && a.from === b.from && a.to === b.to;

const fits = (pattern: string, text: string): boolean => pattern === '*' || pattern === text;

const matches = (pattern: Which, frame: Which): boolean =>
  fits(pattern.kind, frame.kind) && fits(pattern.from, frame.from) && fits(pattern.to, frame.to);
