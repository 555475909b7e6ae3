import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const api = 'http://127.0.0.1:3000';

export default defineConfig({
  plugins: [react()],
  build: { reportCompressedSize: false },
  preview: {
    port: Number(process.env.PORT),
    strictPort: true,
    proxy: { '/api': api },
  },
});
