// A table in a file of SQLite: one process has it open, a transaction is durable when it ends,
// and what is found is what was put.
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { CorruptionError, StorageError } from '@rsl/core';
import Database from 'libsql';

/** The lock is kept while it is open (S7). `EXTRA` syncs the file, its journal and their names. */
const opening = `PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = EXTRA;
  BEGIN EXCLUSIVE; COMMIT;
  CREATE TABLE IF NOT EXISTS item
    (position INTEGER PRIMARY KEY, kind TEXT, slot INTEGER, bytes BLOB, seal INTEGER);
  CREATE INDEX IF NOT EXISTS of_slot ON item (slot)`;
/** The lock goes with the first use that follows: libsql closes the file some time later. */
const closing = 'PRAGMA locking_mode = NORMAL; SELECT position FROM item LIMIT 1';

interface Row {
  readonly position: number;
  readonly kind: string;
  readonly slot: number | null;
  readonly bytes: Uint8Array;
  readonly seal: number;
}

/** Of the whole row. */
const sealOf = ({ position, kind, slot, bytes }: Omit<Row, 'seal'>): number =>
  crc32(bytes, crc32(`${position} ${kind} ${slot}`));

export class Items {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#db = new Database(path);
      this.#db.exec(opening);
    } catch (cause) {
      const isTaken = (cause as { code?: unknown }).code === 'SQLITE_BUSY';
      const code = isTaken ? 'RSL_STORAGE_LOCKED' : 'RSL_STORAGE_UNUSABLE';
      const why = isTaken ? 'is used by another process; stop that' : 'cannot be opened';
      throw new StorageError(code, `${path} ${why}, or use another directory`, { cause });
    }
  }

  /** All of it or nothing. */
  transact(change: () => void): void {
    this.#db.transaction(change)();
  }

  put(position: number, kind: string, slot: number | null, content: unknown): void {
    const bytes = serialize(content);
    const seal = sealOf({ position, kind, slot, bytes });
    this.#prepared('REPLACE INTO item VALUES (?, ?, ?, ?, ?)').run(
      position,
      kind,
      slot,
      bytes,
      seal,
    );
  }

  remove(where: string, given: number): void {
    this.#prepared(`DELETE FROM item WHERE ${where}`).run(given);
  }

  /** The first of those `where` it is so. RSL_LOG_CORRUPT unless it is what was put. */
  find(where: string, given: number) {
    const row = this.#row(`SELECT * FROM item WHERE ${where} LIMIT 1`, given);
    if (row === undefined) return undefined;
    const { bytes, position, slot } = row;
    if (sealOf(row) !== row.seal) throw this.damaged(`item ${position}`);
    return { position, slot, content: deserialize(bytes) as unknown };
  }

  /** The highest from this one on; 0 if there is none. */
  lastSlot(from: number): number {
    return this.#row('SELECT max(slot) AS slot FROM item WHERE slot >= ?', from)?.slot ?? 0;
  }

  /** Tells this file from a copy of it. */
  identity(): string {
    const { birthtimeNs, ino } = statSync(this.path, { bigint: true });
    return `${ino} ${birthtimeNs}`;
  }

  room(): { readonly bytesUsed: number; readonly bytesFree: number } {
    const { bavail, bsize } = statfsSync(this.path);
    return { bytesUsed: statSync(this.path).size, bytesFree: bavail * bsize };
  }

  damaged(what: string): CorruptionError {
    return new CorruptionError(this.path, 0, `${what} is not what was put`);
  }

  close(): void {
    try {
      if (this.#db.open) this.#db.exec(closing);
    } finally {
      this.#db.close();
    }
  }

  #row(query: string, given: number): Row | undefined {
    try {
      return this.#prepared(query).get(given) as Row | undefined;
    } catch (cause) {
      throw this.damaged(String(cause));
    }
  }

  /** Once for each: libsql takes its time to free them. */
  #prepared(query: string): Database.Statement {
    const statement = this.#statements.get(query) ?? this.#db.prepare(query);
    this.#statements.set(query, statement);
    return statement;
  }
}
