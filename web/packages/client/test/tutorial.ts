/** The snippets of the tutorial page, where a copy of it lies beside the repository. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const PACKAGES = join(import.meta.dirname, '../../');
const PAGE = join(PACKAGES, '../../../shared/tutorial.txt');

/** Each snippet stands between a line that holds the first phrase and the one that begins with the second. */
const BETWEEN = {
  script: ['run a one-off script', 'We can verify'],
  app: ['as a starting point', 'At this point'],
  override: ['override the default call duration', 'Session Timer Component'],
  timer: ['displays a countdown to the end', 'And now by adding'],
  placing: ['And now by adding this component', 'SessionTimer component in use'],
  alert: ['pops up on the page five minutes before', 'Alert indicating'],
  zero: ['add an alert for when the timer reaches zero', 'Extending a Session'],
  extend: ['updates the call settings and extends', 'Note that the button'],
} as const;

export type SnippetName = keyof typeof BETWEEN;

export const tutorialIsHere = existsSync(PAGE);

export function snippet(name: SnippetName): string {
  const lines = readFileSync(PAGE, 'utf8').split('\n');
  const [before, after] = BETWEEN[name];
  const start = lines.findIndex((line) => line.includes(before));
  const end = lines.findIndex((line, index) => index > start && line.startsWith(after));
  if (start < 0 || end < 0) throw new Error(`the page has no snippet "${name}"`);
  return lines.slice(start + 1, end).join('\n').trim();
}

/** Our packages in the import lines, and nothing else changed. */
export function withOurImports(code: string): string {
  return code
    .replaceAll(/'@[\w-]+\/video-react-sdk/g, "'@callclock/react")
    .replaceAll(/'@[\w-]+\/node-sdk/g, "'@callclock/node");
}

const IMPORT = /import\s+(?:({[^}]*})\s+from\s+)?'([^']+)';/g;

/** Runs code with import lines; gives back the names asked for. */
export async function run(
  code: string,
  modules: Record<string, unknown>,
  names: string[],
): Promise<Record<string, unknown>> {
  const body = code.replaceAll(IMPORT, (_, bindings: string | undefined, module: string) =>
    bindings === undefined ? '' : `const ${bindings.replaceAll(' as ', ': ')} = modules[${JSON.stringify(module)}];`,
  );
  const compiled = ts.transpile(`${body}\nexport const result = { ${names.join(', ')} };`, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    jsx: ts.JsxEmit.React,
  });
  const source = compiled.replace('export const result =', 'return');
  const AsyncFunction = (async () => Promise.resolve()).constructor as new (...args: string[]) => (
    ...args: unknown[]
  ) => Promise<Record<string, unknown>>;
  return new AsyncFunction('modules', 'React', source)(modules, modules['react']);
}

/** What the compiler has to say about the code as loosely typed TSX against our packages' sources. */
export function complaints(code: string): string[] {
  const file = `${PACKAGES}tutorial_snippet.tsx`;
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    jsx: ts.JsxEmit.ReactJSX,
    strict: false,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    paths: {
      '@callclock/client': [`${PACKAGES}client/src/index.ts`],
      '@callclock/react': [`${PACKAGES}react/src/index.ts`],
      '@callclock/react/dist/css/styles.css': [`${PACKAGES}react/test/styles.d.ts`],
      '@callclock/node': [`${PACKAGES}node/src/index.ts`],
    },
  };
  const host = ts.createCompilerHost(options);
  const [fileExists, readFile] = [host.fileExists, host.readFile];
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? code : readFile(name));
  host.getSourceFile = (name, version) => {
    const text = host.readFile(name);
    return text === undefined ? undefined : ts.createSourceFile(name, text, version, true);
  };
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return found.map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}
