import { defineConfig } from 'tsup';
import { buildsOf } from '../../tools/build/tsup-preset.ts';

export default defineConfig(
  buildsOf({
    entry: {
      index: 'src/index.ts',
      'inspect/index': 'src/inspect/index.ts',
      'offline/index': 'src/offline/index.ts',
    },
  }),
);
