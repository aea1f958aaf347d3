// Runs in packages/react after tsc: the style sheet is imported as `@callclock/react/dist/css/styles.css`.
import { cpSync, mkdirSync } from 'node:fs';

mkdirSync('dist/css', { recursive: true });
for (const sheet of ['styles.css', 'rules.css']) cpSync(`src/styles/${sheet}`, `dist/css/${sheet}`);
