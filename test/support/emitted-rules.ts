// Every rule id that the source can put into an issue, found with TypeScript's own parser: literals of a property `rule`
// beside a text or a layer, and literals handed to a parameter that is called `rule`.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export interface EmittedRules {
  /** Rule id -> the files that emit it. */
  ids: Map<string, Set<string>>
  /** Rules that are computed: `file: expression`. */
  computed: Set<string>
}

/** `folders` below `source`; the roof is the empty name. */
export function findEmittedRules(source: string, folders: readonly string[]): EmittedRules {
  const files = folders.flatMap((folder) =>
    readdirSync(join(source, folder), { recursive: folder !== '', encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name))
  )
  const parsed = files.map((path) => ({
    path,
    root: ts.createSourceFile(path, readFileSync(join(source, path), 'utf8'), ts.ScriptTarget.ES2023, true)
  }))
  const exported = new Map<string, number>()
  for (const { root } of parsed)
    for (const [name, { position, isExported }] of functionsOf(root)) if (isExported) exported.set(name, position)
  const found: EmittedRules = { ids: new Map(), computed: new Set() }
  for (const { path, root } of parsed) {
    const own = [...functionsOf(root)].map(([name, { position }]): [string, number] => [name, position])
    const positions = new Map([...exported, ...own])
    visit(root, (node) => {
      const rule = ts.isObjectLiteralExpression(node) ? ruleOfIssue(node) : ruleOfCall(node, positions)
      if (rule !== undefined) collect(rule, path, found)
    })
  }
  return found
}

/** Where each function of a file takes its rule; -1 for one that takes none. */
function functionsOf(root: ts.SourceFile): Map<string, { position: number; isExported: boolean }> {
  const functions = new Map<string, { position: number; isExported: boolean }>()
  visit(root, (node) => {
    if (!ts.isFunctionDeclaration(node) || node.name === undefined) return
    const position = node.parameters.findIndex(({ name }) => name.getText() === 'rule')
    const isExported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
    functions.set(node.name.text, { position, isExported })
  })
  return functions
}

function ruleOfIssue(node: ts.ObjectLiteralExpression): ts.Expression | undefined {
  const names = node.properties.map((property) => property.name?.getText())
  const systemAt = names.indexOf('system')
  const isCoding = systemAt !== -1 && node.properties[systemAt]?.getText().endsWith('ISSUE_RULE_SYSTEM') === true
  if (isCoding) return initializerOf(node, 'code')
  if (!names.includes('text') && !names.includes('layer')) return undefined
  return initializerOf(node, 'rule')
}

function initializerOf(node: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const property of node.properties)
    if (ts.isPropertyAssignment(property) && property.name.getText() === name) return property.initializer
  return undefined
}

function ruleOfCall(node: ts.Node, positions: ReadonlyMap<string, number>): ts.Expression | undefined {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return undefined
  const position = positions.get(node.expression.text)
  return position === undefined || position === -1 ? undefined : node.arguments[position]
}

function collect(rule: ts.Expression, path: string, found: EmittedRules): void {
  if (ts.isStringLiteralLike(rule)) {
    found.ids.set(rule.text, (found.ids.get(rule.text) ?? new Set()).add(path))
  } else if (ts.isConditionalExpression(rule)) {
    collect(rule.whenTrue, path, found)
    collect(rule.whenFalse, path, found)
  } else if (!(ts.isIdentifier(rule) && rule.text === 'rule') && rule.getText() !== 'issue.rule')
    found.computed.add(`${path}: ${rule.getText()}`)
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  ts.forEachChild(node, (child) => {
    visit(child, look)
  })
}
