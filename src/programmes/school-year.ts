// English school years: Reception is 0, Year 1 is 1; the academic year starts on 1 September.

/**
 * School year of a child on a day, computed from the days alone (nobody repeats or skips a year in England's rule).
 * Reception is the academic year in which a child turns five. Below 0 or above 13 the child is not at school.
 */
export function schoolYearOn(birthDay: string, day: string): number {
  return academicYear(day) - academicYear(birthDay) - 5
}

function academicYear(day: string): number {
  const year = Number(day.slice(0, 4))
  return day.slice(5, 7) >= '09' ? year : year - 1
}
