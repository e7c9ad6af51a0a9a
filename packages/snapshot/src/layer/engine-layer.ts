import type { EngineLayer } from '@rsl/core/protocol';
import type { LayerOptions } from './layer-options.ts';
import { snapshotCodec } from './snapshot-codec.ts';
import { SnapshotLayer } from './snapshot-layer.ts';

/** The half of the snapshot layer that decides. */
export const snapshotEngineLayer = (options: LayerOptions): EngineLayer => ({
  codec: snapshotCodec,
  wrap: (make, about) => (membership, restored) =>
    new SnapshotLayer(make(membership, restored), about, options),
});
