// One sentence about the event group of a record, and one for each record that may be the same jab.
import type { RecordStory, StoryElsewhere, StoryPair } from '../storage/ops-record-queries.js'
import { moment } from './moment.js'

export interface EventExplanation {
  /** Null when the record stands in no group. */
  groupId: string | null
  role: string | null
  isSurvivor: boolean
  sentence: string
  /** The other records of the same jab. */
  alternates: { recordId: string; sentence: string }[]
  possibleDuplicates: { recordId: string; score: number; rule: string; sentence: string }[]
  /** Records that a register holds from others: read-only, and never delivered or corrected by the Hub. */
  elsewhere: { source: string; remoteId: string; outcome: 'same' | 'possible'; sentence: string }[]
}

export function explainEvent(story: RecordStory): EventExplanation {
  const { group } = story
  const others = (group?.memberRecordIds ?? []).filter((recordId) => recordId !== story.recordId)
  return {
    groupId: group?.groupId ?? null,
    role: group?.role ?? null,
    isSurvivor: group?.survivorRecordId === story.recordId,
    sentence: groupSentence(story, others.length),
    alternates: others.map((recordId) => ({ recordId, sentence: linkSentence(recordId, story.pairs) })),
    possibleDuplicates: story.pairs.filter((pair) => pair.outcome === 'possible').map(toPossible),
    elsewhere: story.elsewhere.map(toElsewhere)
  }
}

function groupSentence({ recordId, group }: RecordStory, others: number): string {
  if (group === undefined) return 'This record stands in no event group: it was not compared with others yet.'
  if (others === 0 && group.survivorRecordId === recordId)
    return 'No other record tells of the same jab: this one counts.'
  const company = others === 1 ? 'one other record' : `${others} other records`
  if (group.survivorRecordId === null) {
    return others === 0
      ? 'This record does not count (deleted, not done or entered in error), and no other tells of the same jab.'
      : `This record shares its event group with ${company}, and none of them counts.`
  }
  return group.survivorRecordId === recordId
    ? `This record is the survivor of its event group: it counts, and stands for ${company} of the same jab.`
    : `This record (${group.role}) does not count: record ${group.survivorRecordId} counts for the same jab instead.`
}

function toElsewhere(held: StoryElsewhere): EventExplanation['elsewhere'][number] {
  const { source, remoteId, outcome, rule, score, foundAt } = held
  const what = outcome === 'same' ? 'the same jab' : 'what may be the same jab'
  return {
    source,
    remoteId,
    outcome,
    sentence: `${source} holds ${what} from another system as ${remoteId} (rule ${rule}, ${score} points, found ${moment(foundAt)}): it is not ours, and changes nothing that is sent.`
  }
}

function linkSentence(recordId: string, pairs: readonly StoryPair[]): string {
  const pair = pairs.find((candidate) => candidate.recordId === recordId && candidate.outcome === 'same')
  // A group is a star round its anchor: two members may be linked through a third.
  return pair === undefined
    ? `Record ${recordId} is the same jab, linked through another record of the group.`
    : `Record ${recordId} is the same jab by rule ${pair.rule} (${pair.score} points), decided by ${pair.decidedBy} at ${moment(pair.decidedAt)}.`
}

function toPossible(pair: StoryPair): EventExplanation['possibleDuplicates'][number] {
  const { recordId, score, rule, decidedBy, decidedAt } = pair
  return {
    recordId,
    score,
    rule,
    sentence: `Record ${recordId} may be the same jab: rule ${rule} gave ${score} points (${decidedBy}, ${moment(decidedAt)}); both are kept.`
  }
}
