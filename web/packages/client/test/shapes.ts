/** Reduces TypeScript types and JSON schemas to one form in which they can be compared. */
import ts from 'typescript';

export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  $defs?: Record<string, Schema>;
  components?: { schemas: Record<string, Schema> };
}

/** Property -> what it can be, as `string | null` or `"a" | "b"`; a name that may be absent ends in `?`. */
export type Shape = Record<string, string>;

export function exportedTypes(program: ts.Program, files: string[]): Map<string, ts.Type> {
  const checker = program.getTypeChecker();
  const types = new Map<string, ts.Type>();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) continue;
    for (const symbol of checker.getExportsOfModule(module)) {
      types.set(symbol.name, checker.getDeclaredTypeOfSymbol(symbol));
    }
  }
  return types;
}

export function shapeOfType(checker: ts.TypeChecker, type: ts.Type): Shape {
  const shape: Shape = {};
  for (const property of checker.getPropertiesOfType(type)) {
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    shape[property.name + (isOptional ? '?' : '')] = joined(kindsOfType(checker, checker.getTypeOfSymbol(property)));
  }
  return shape;
}

function kindsOfType(checker: ts.TypeChecker, type: ts.Type): string[] {
  if (type.isUnion()) return type.types.flatMap((part) => kindsOfType(checker, part));
  if (type.isStringLiteral()) return [JSON.stringify(type.value)];
  if (type.flags & ts.TypeFlags.Undefined) return [];
  if (type.flags & ts.TypeFlags.Null) return ['null'];
  if (type.flags & ts.TypeFlags.StringLike) return ['string'];
  if (type.flags & ts.TypeFlags.NumberLike) return ['number'];
  if (type.flags & ts.TypeFlags.BooleanLike) return ['boolean'];
  return [checker.isArrayType(type) ? 'array' : 'object'];
}

export function shapeOfSchema(root: Schema, schema: Schema): Shape {
  const shape: Shape = {};
  for (const part of [schema, ...(schema.allOf ?? [])].map((one) => resolved(root, one))) {
    for (const [name, property] of Object.entries(part.properties ?? {})) {
      const isOptional = !(part.required ?? []).includes(name);
      shape[name + (isOptional ? '?' : '')] = joined(kindsOfSchema(root, property));
    }
  }
  return shape;
}

function kindsOfSchema(root: Schema, schema: Schema): string[] {
  const { anyOf, oneOf, enum: literals, const: literal, type, properties } = resolved(root, schema);
  const alternatives = anyOf ?? oneOf;
  if (alternatives) return alternatives.flatMap((one) => kindsOfSchema(root, one));
  if (literals) return literals.map((value) => JSON.stringify(value));
  if (literal !== undefined) return [JSON.stringify(literal)];
  if (type === undefined) return [properties ? 'object' : 'anything'];
  return [type].flat().map((kind) => (kind === 'integer' ? 'number' : kind));
}

function resolved(root: Schema, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const path = schema.$ref.replace('#/', '').split('/');
  return path.reduce<Schema>((at, key) => (at as Record<string, Schema>)[key] ?? {}, root);
}

function joined(kinds: string[]): string {
  return [...new Set(kinds)].toSorted().join(' | ');
}
