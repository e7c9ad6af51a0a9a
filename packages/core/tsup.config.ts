import { defineConfig } from 'tsup';
import { buildsOf } from '../../tools/build/tsup-preset.ts';

export default defineConfig(
  buildsOf({
    entry: {
      index: 'src/index.ts',
      'engine-thread': 'src/engine/engine-thread.ts',
      protocol: 'src/protocol.ts',
      'client/index': 'src/client/index.ts',
      'conformance/index': 'src/conformance/index.ts',
      'testing/index': 'src/testing/index.ts',
    },
    // Bundled, because its optional dependency has an install script that our users would
    // have to approve.
    bundle: ['msgpackr'],
  }),
);
