// Programmes as a table, whether from files or from a running service.
import type { Column } from './layout-columns.js'
import type { Style, Terminal } from './terminal.js'

export interface ListedProgramme {
  id: string
  version: string
  status: 'draft' | 'active' | 'retired'
  title: string
  vaccineType: string
  from: string
  to: string | null
}

const COLUMNS: Column[] = [
  { head: 'PROGRAMME' },
  { head: 'VERSION' },
  { head: 'STATUS' },
  { head: 'VACCINE', leaveOut: 2 },
  { head: 'FROM' },
  { head: 'TO' },
  { head: 'TITLE', wraps: true, leaveOut: 1 }
]

const STYLES: Record<ListedProgramme['status'], Style> = { active: 'green', draft: 'yellow', retired: 'dim' }

export function listProgrammes(programmes: readonly ListedProgramme[], terminal: Terminal): void {
  terminal.printTable(
    COLUMNS,
    programmes.map(({ id, version, status, vaccineType, from, to, title }) => [
      id,
      version,
      { text: status, style: STYLES[status] },
      vaccineType,
      from,
      to ?? '-',
      title
    ])
  )
}
