import { defineConfig } from 'tsup';
import { buildsOf } from '../../tools/build/tsup-preset.ts';

export default defineConfig(
  buildsOf({ entry: { main: 'src/main.ts', 'codec/index': 'src/codec/index.ts' } }),
);
