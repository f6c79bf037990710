import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The built page runs under `default-src 'self'`: nothing is inlined, no style or script
// stands in a document, and templates are made of elements, not of HTML text.
export default defineConfig({
  plugins: [
    svelte({
      compilerOptions: { runes: true, fragments: 'tree', css: 'external' },
      onwarn(warning) {
        throw new Error(`${warning.filename}: ${warning.code}: ${warning.message}`);
      },
    }),
  ],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  // `npx vite` beside a running server, for who works on the page.
  server: { proxy: { '/api': process.env.GYOJI || 'http://127.0.0.1:9000' } },
});
