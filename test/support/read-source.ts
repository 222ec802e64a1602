// What the architecture test knows of a source file, read with TypeScript's own parser.
import ts from 'typescript'

export interface SourceImport {
  /** As written; undefined for an import() that is computed. */
  specifier: string | undefined
  /** Erased by the compiler. */
  isTypeOnly: boolean
  line: number
}

export interface SourceFunction {
  name: string
  line: number
  /** Lines without those of functions inside it that have a block of their own. */
  ownLines: number
}

export interface SourceFile {
  /** Below src/, with slashes: `http/server.ts`. */
  path: string
  lines: number
  imports: SourceImport[]
  functions: SourceFunction[]
  /** Global names that reach outside or differ from call to call: `process.env`, `Date.now`, `new Date()`, `fetch`, … */
  reaches: { name: string; line: number }[]
  /** `export default` and `export * from`. */
  namelessExports: { name: string; line: number }[]
}

export function readSource(path: string, text: string): SourceFile {
  const parsed = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const lineOf = (node: ts.Node): number => parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const lines = text.trimEnd().split('\n').length
  const file: SourceFile = { path, lines, imports: [], functions: [], reaches: [], namelessExports: [] }
  const visit = (node: ts.Node): void => {
    const line = lineOf(node)
    const imported = importOf(node)
    if (imported) file.imports.push({ ...imported, line })
    const nameless = namelessExportOf(node)
    if (nameless) file.namelessExports.push({ name: nameless, line })
    const reach = reachOf(node)
    if (reach) file.reaches.push({ name: reach, line })
    if (ts.isFunctionLike(node) && hasBlock(node)) {
      file.functions.push({ name: nameOf(node), line, ownLines: ownLines(node, parsed) })
    }
    ts.forEachChild(node, visit)
  }
  visit(parsed)
  return file
}

function importOf(node: ts.Node): Omit<SourceImport, 'line'> | undefined {
  if (ts.isImportDeclaration(node)) {
    return { specifier: literalText(node.moduleSpecifier), isTypeOnly: isTypeOnlyImport(node.importClause) }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return { specifier: literalText(node.moduleSpecifier), isTypeOnly: node.isTypeOnly }
  }
  if (ts.isImportTypeNode(node)) {
    const { argument } = node
    return { specifier: ts.isLiteralTypeNode(argument) ? literalText(argument.literal) : undefined, isTypeOnly: true }
  }
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    return { specifier: literalText(node.moduleReference.expression), isTypeOnly: node.isTypeOnly }
  }
  const isCall = ts.isCallExpression(node)
  const isDynamicImport = isCall && node.expression.kind === ts.SyntaxKind.ImportKeyword
  const isRequire = isCall && ts.isIdentifier(node.expression) && node.expression.text === 'require'
  return isDynamicImport || isRequire ? { specifier: literalText(node.arguments[0]), isTypeOnly: false } : undefined
}

/** `import type { A }` and `import { type A, type B }`. */
function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { name, namedBindings } = clause
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly)
}

function literalText(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined
}

function namelessExportOf(node: ts.Node): string | undefined {
  if (ts.isExportAssignment(node)) return 'export default'
  if (ts.isExportDeclaration(node) && !node.exportClause) return 'export *'
  if (ts.isExportSpecifier(node) && node.name.text === 'default') return 'export default'
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ? 'export default' : undefined
}

const reachingObjects = ['console']
const reachingMembers = ['process.env', 'process.argv', 'Date.now', 'Math.random', 'performance.now']
const reachingCalls = ['fetch', 'setTimeout', 'setInterval', 'setImmediate']

function reachOf(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && isGlobal(node.expression, 'Date') && !node.arguments?.length) return 'new Date()'
  if (ts.isCallExpression(node)) return reachingCalls.find((name) => isGlobal(node.expression, name))
  // const { env } = process
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer) {
    const names = node.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText())
    const from = node.initializer.getText()
    return reachingMembers.find((member) => names.some((name) => member === `${from}.${name}`))
  }
  const owner = ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) ? node.expression : undefined
  if (!owner) return undefined
  const property = ts.isPropertyAccessExpression(node)
    ? node.name.text
    : literalText((node as ts.ElementAccessExpression).argumentExpression)
  const ownerName = owner.getText().replace(/^globalThis\./, '')
  if (reachingObjects.includes(ownerName)) return ownerName
  return reachingMembers.find((member) => member === `${ownerName}.${property ?? ''}`)
}

function isGlobal(node: ts.Node, name: string): boolean {
  return node.getText().replace(/^globalThis\./, '') === name
}

type FunctionWithBlock = ts.SignatureDeclaration & { body: ts.Block }

function hasBlock(node: ts.SignatureDeclaration): node is FunctionWithBlock {
  return 'body' in node && node.body !== undefined && ts.isBlock(node.body)
}

function nameOf(node: ts.SignatureDeclaration): string {
  const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined)
  return named?.getText() ?? 'a function without a name'
}

function linesOf(node: ts.Node, parsed: ts.SourceFile): number {
  const first = parsed.getLineAndCharacterOfPosition(node.getStart()).line
  return parsed.getLineAndCharacterOfPosition(node.end).line - first + 1
}

function ownLines(node: FunctionWithBlock, parsed: ts.SourceFile): number {
  let inner = 0
  const visit = (child: ts.Node): void => {
    if (ts.isFunctionLike(child) && hasBlock(child)) inner += linesOf(child, parsed) - 1
    else ts.forEachChild(child, visit)
  }
  ts.forEachChild(node.body, visit)
  return linesOf(node, parsed) - inner
}
