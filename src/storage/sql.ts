// What a store runs its statements on: the pool (each statement its own transaction) or one client inside a transaction.

export interface Sql {
  /** Rows in the order the statement gives them. Values are always parameters, never part of the text. */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[]
  ): Promise<{ rows: Row[]; rowCount: number }>
}
