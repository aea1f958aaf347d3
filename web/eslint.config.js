import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./packages/tsconfig.test.json', './apps/telemedicine/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Numbers and URLs read well inside template strings.
      '@typescript-eslint/restrict-template-expressions': 'off',
      // The seam and the stores hand functions around on purpose; they are bound.
      '@typescript-eslint/unbound-method': 'off',
      // Answers of the server are typed where they are asked for.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  { files: ['packages/react/**/*.{ts,tsx}', 'apps/**/*.{ts,tsx}'], extends: [reactHooks.configs.flat.recommended] },
  { files: ['**/*.mjs'], languageOptions: { globals: { URL: 'readonly', process: 'readonly', console: 'readonly' } } },
);
