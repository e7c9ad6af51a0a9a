import type { ReplicaId } from '../../paxos/membership.ts';
import type { Field } from './field.ts';

const percent = {
  loss: [0, 1, 5, 20],
  twice: [0, 1, 5, 15],
  late: [0, 1, 4, 20],
} as const;

/** 1a, 1b, 2b and grant on the wire: what must be durable before it leaves. */
const revealing = new Set([1, 2, 4, 12]);

/** What happens to frames, connections and the ways between replicas. */
export class NetworkFaults {
  readonly #field: Field;
  /** `from>to`: until when nothing comes through. */
  readonly #cuts = new Map<string, number>();
  /** `from>to`: until when it is slow, and by how much. */
  readonly #slow = new Map<string, { readonly untilMs: number; readonly byMs: number }>();

  constructor(field: Field) {
    this.#field = field;
    field.network.reachable = (a, b) => !(this.isCut(a, b) && this.isCut(b, a));
  }

  /** When a frame arrives: never, or more than once. */
  fate(from: ReplicaId, to: ReplicaId, frame: Uint8Array): readonly number[] {
    const { random, isStormy, mix, processes } = this.#field;
    const sender = processes[from - 1];
    const waitsMs = sender?.waitsMs ?? 0;
    if (!isStormy) return [waitsMs + 0.1];
    this.#reveal(from, frame);
    if (this.isCut(from, to)) return [];
    if (random.chance(percent.loss[mix.loss])) {
      this.#field.count('loss', from);
      return [];
    }
    const arrivals = [waitsMs + this.#delayMs(from, to)];
    if (random.chance(percent.twice[mix.twice])) {
      this.#field.count('twice', from);
      arrivals.push(waitsMs + this.#delayMs(from, to));
    }
    return arrivals;
  }

  isCut(from: ReplicaId, to: ReplicaId): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) > this.#field.world.nowMs;
  }

  /** Nothing of it is heard, or it hears nothing, for so long. */
  cutOff(id: ReplicaId, forMs: number, way: 'in' | 'out' | 'both'): void {
    for (const { id: other } of this.#field.processes) {
      if (other === id) continue;
      if (way !== 'in') this.#cut(id, other, forMs);
      if (way !== 'out') this.#cut(other, id, forMs);
    }
    this.#settle(forMs);
  }

  join(): void {
    this.#cuts.clear();
    this.#field.network.settle();
  }

  tick(): void {
    const { random } = this.#field;
    if (this.#field.happens('cut')) this.#cutSome('both');
    if (this.#field.happens('oneWay')) this.#cutSome(random.chance(50) ? 'in' : 'out');
    if (this.#field.happens('split')) this.#split();
    if (this.#field.happens('flap')) this.#flap(3 + random.below(15));
    if (this.#field.happens('broken')) this.#break();
    if (this.#field.happens('slowLink')) this.#slowDown();
  }

  heal(): void {
    this.#slow.clear();
    this.join();
  }

  #delayMs(from: ReplicaId, to: ReplicaId): number {
    const { random, mix, world } = this.#field;
    const slow = this.#slow.get(`${from}>${to}`);
    let delayMs = 0.1 + random.below(20) / 10;
    if (slow !== undefined && slow.untilMs > world.nowMs) delayMs += slow.byMs;
    if (random.chance(percent.late[mix.late])) {
      this.#field.count('late', from);
      delayMs += random.below(1_500);
    }
    if (mix.heavyTail > 0) {
      // Each further doubling is half as likely: the mean does not tell what to expect.
      for (let i = 0; i < 9 && random.chance(50); i += 1) delayMs *= 2;
      if (delayMs > 200) this.#field.count('heavyTail', from);
    }
    return delayMs;
  }

  #reveal(from: ReplicaId, frame: Uint8Array): void {
    const { random, mix, world, processes } = this.#field;
    if (mix.reveal === 0 || frame[2] !== 0 || !revealing.has(frame[3] ?? 0)) return;
    const sender = processes[from - 1];
    if (sender === undefined || random.below(1_000) >= 2 * mix.reveal) return;
    world.later(0.05, () => {
      if (!this.#field.isStormy || !sender.isUp) return;
      this.#field.count('reveal', from);
      this.#field.crash(sender, 1 + random.below(50), 0);
    });
  }

  #cutSome(way: 'in' | 'out' | 'both'): void {
    const { random, processes } = this.#field;
    const { id } = this.#field.victim();
    const forMs = 100 + random.below(2_500);
    for (const { id: other } of processes) {
      if (other === id || random.chance(25)) continue;
      if (way !== 'in') this.#cut(id, other, forMs);
      if (way !== 'out') this.#cut(other, id, forMs);
    }
    this.#field.count(way === 'both' ? 'cut' : 'oneWay', id);
    this.#settle(forMs);
  }

  #split(): void {
    const { random, processes } = this.#field;
    const forMs = 100 + random.below(3_000);
    const side = new Set(processes.filter(() => random.chance(50)).map(({ id }) => id));
    for (const { id: a } of processes) {
      for (const { id: b } of processes) if (side.has(a) !== side.has(b)) this.#cut(a, b, forMs);
    }
    this.#field.count('split', side.size);
    this.#settle(forMs);
  }

  #flap(times: number): void {
    const { random, world } = this.#field;
    const { id } = this.#field.victim();
    this.#field.count('flap', id);
    const again = (left: number): void => {
      if (left === 0 || !this.#field.isStormy) return;
      this.cutOff(id, 30 + random.below(200), 'both');
      world.later(60 + random.below(500), () => again(left - 1));
    };
    again(times);
  }

  #break(): void {
    const { random, network, processes } = this.#field;
    const { id } = this.#field.victim();
    const other = random.pick(processes).id;
    if (other === id) return;
    this.#field.count('broken', id);
    network.disconnect(id, other);
    this.#settle(random.below(300));
  }

  #slowDown(): void {
    const { random, world, processes } = this.#field;
    const { id } = this.#field.victim();
    const untilMs = world.nowMs + 500 + random.below(4_000);
    this.#field.count('slowLink', id);
    for (const { id: other } of processes) {
      if (random.chance(50)) continue;
      this.#slow.set(`${id}>${other}`, { untilMs, byMs: 5 + random.below(400) });
      if (random.chance(50)) this.#slow.set(`${other}>${id}`, { untilMs, byMs: random.below(400) });
    }
  }

  #cut(from: ReplicaId, to: ReplicaId, forMs: number): void {
    this.#cuts.set(`${from}>${to}`, this.#field.world.nowMs + forMs);
  }

  /** Connections break now if they must, and come back once the time is over. */
  #settle(forMs: number): void {
    const { network, world } = this.#field;
    network.settle();
    world.later(forMs, () => network.settle());
  }
}
