// Words of which the schemas of data files are written: every property gets its description.
export type Schema = Record<string, unknown>

export const text = (description: string): Schema => ({ description, type: 'string', minLength: 1 })
export const day = (description: string): Schema => ({ description, type: 'string', format: 'day' })
export const age = (description: string): Schema => ({ description, type: 'string', format: 'age' })
export const concept = (description: string): Schema => ({ description, type: 'string', format: 'snomed-concept' })
export const wholeNumber = (description: string, minimum: number): Schema => ({ description, type: 'integer', minimum })
export const list = (description: string, items: Schema): Schema => ({ description, type: 'array', minItems: 1, items })
export const oneOf = (description: string, allowed: readonly string[]): Schema => ({ description, enum: allowed })
export const object = (description: string, properties: Schema, required: readonly string[] = []): Schema => ({
  description,
  type: 'object',
  additionalProperties: false,
  required,
  properties
})
