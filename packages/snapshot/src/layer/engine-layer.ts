import type { EngineLayer } from '@rsl/core/protocol';
import type { LayerOptions } from './layer-options.ts';
import { snapshotCodec } from './snapshot-codec.ts';
import { SnapshotLayer } from './snapshot-layer.ts';
import { Stateless } from './stateless.ts';

/** The half of the snapshot layer that decides. */
export const snapshotEngineLayer = (options: LayerOptions): EngineLayer => ({
  codec: snapshotCodec,
  wrap: (make, about) => (membership, restored) => {
    const { self } = about;
    const { keptInputsMax } = options;
    const inner = restored.isStateless
      ? new Stateless({ self, make, membership, restored, keptInputsMax })
      : make(membership, restored);
    return new SnapshotLayer(inner, about, options);
  },
});
