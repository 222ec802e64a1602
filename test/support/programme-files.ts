// The programme files and code tables of this repository, read as the service reads them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { isProgrammeFile, parseProgramme } from '../../src/programmes/parse-programme.js'
import type { Programme } from '../../src/programmes/programme.js'
import { parseVaccineCodes, type VaccineCodes } from '../../src/programmes/vaccine-codes.js'

export const PROGRAMMES_FOLDER = join(import.meta.dirname, '../../profiles/programmes')
const TERMINOLOGY_FOLDER = join(import.meta.dirname, '../../profiles/terminology')

/** Paths of the programme files, relative to the folder, sorted. */
export function programmeFileNames(): string[] {
  return readdirSync(PROGRAMMES_FOLDER, { recursive: true, encoding: 'utf8' }).filter(isProgrammeFile).sort()
}

export function readProgramme(fileName: string): Programme {
  return parseProgramme(fileName, readYaml(join(PROGRAMMES_FOLDER, fileName)))
}

export function readProgrammes(): Programme[] {
  return programmeFileNames().map(readProgramme)
}

export function readVaccineCodes(): VaccineCodes {
  return {
    products: readCodes('vaccine-products.yaml'),
    procedures: readCodes('vaccination-procedures.yaml')
  }
}

export function readYaml(path: string): unknown {
  return parse(readFileSync(path, 'utf8'), { version: '1.2' })
}

function readCodes(fileName: string): VaccineCodes['products'] {
  return parseVaccineCodes(fileName, readYaml(join(TERMINOLOGY_FOLDER, fileName)))
}
