// Runs in packages/react after tsc: the style sheet is imported as `@callclock/react/dist/css/styles.css`.
import { cpSync, mkdirSync } from 'node:fs';

mkdirSync('dist/css', { recursive: true });
cpSync('src/styles/styles.css', 'dist/css/styles.css');
