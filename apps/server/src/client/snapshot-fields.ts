import type { SnapshotState } from '../snapshots/snapshot-news.ts';

/** What INFO says, by name. */
export type Fields = Readonly<Record<string, string | number>>;

/** As Redis calls what it saves. */
export function savingFields(state: SnapshotState, startedAtMs: number): Fields {
  const { lastError, lastSave, underWay } = state;
  return {
    rdb_bgsave_in_progress: underWay.some(({ kind }) => kind === 'saving') ? 1 : 0,
    rdb_last_save_time: Math.floor((lastSave?.atMs ?? startedAtMs) / 1_000),
    rdb_last_bgsave_status: lastError === null ? 'ok' : 'err',
  };
}

export function fieldsOf({ kept, savingStopped, underWay, counters }: SnapshotState): Fields {
  const [newest] = kept;
  const fields: Record<string, string | number> = {
    rsl_snapshots: kept.length,
    rsl_snapshot_slot: newest?.slot ?? 0,
    rsl_snapshot_bytes: newest?.bytes ?? 0,
    rsl_snapshot_digest: newest?.digest ?? 'none',
    rsl_snapshot_saving_stopped: savingStopped ? 1 : 0,
  };
  for (const { kind, slot, bytes, bytesTotal } of underWay) {
    fields[`rsl_snapshot_${kind}_slot`] = slot;
    fields[`rsl_snapshot_${kind}_bytes`] = bytes;
    if (bytesTotal !== undefined) fields[`rsl_snapshot_${kind}_bytes_total`] = bytesTotal;
  }
  for (const [name, count] of Object.entries(counters)) fields[`rsl_snapshots_${name}`] = count;
  return fields;
}
