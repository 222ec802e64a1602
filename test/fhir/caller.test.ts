import t from 'tap'
import { ALL_SCOPES, parseScopes } from '../../src/fhir/caller.js'

const scopesOf = (text: string) => [...parseScopes(text)].sort()

t.test('scopes are read as SMART v2 writes them, type by type', (t) => {
  t.same(scopesOf('system/Immunization.rs system/Linkage.rs ops/read'), [
    'ops/read',
    'system/Immunization.r',
    'system/Immunization.s',
    'system/Linkage.r',
    'system/Linkage.s'
  ])
  t.same(
    scopesOf('system/AuditEvent.cruds'),
    ['system/AuditEvent.r', 'system/AuditEvent.s'],
    'never more than there is'
  )
  t.equal(parseScopes(ALL_SCOPES.join(' ')).size, 5 + 4 * 2 + 2, 'every one that is told of can be given')
  t.end()
})

t.test('an asterisk stands for every type, the words of SMART v1 for their letters', (t) => {
  t.same(
    scopesOf('system/*.r'),
    ['AuditEvent', 'Immunization', 'Linkage', 'Provenance', 'Task'].map((type) => `system/${type}.r`)
  )
  t.same(scopesOf('system/Task.read'), ['system/Task.r', 'system/Task.s'])
  t.same(scopesOf('system/Immunization.write'), [
    'system/Immunization.c',
    'system/Immunization.d',
    'system/Immunization.u'
  ])
  t.same(scopesOf('system/Immunization.*').length, 5)
  t.notOk(parseScopes('system/*.*').has('ops/read'), 'never the scopes of staff')
  t.end()
})

t.test('what is unknown is left out', (t) => {
  t.same(
    scopesOf(
      'system/Patient.rs user/Immunization.rs system/Immunization.x system/Immunization. system/.rs ops/admin SYSTEM/Task.rs'
    ),
    []
  )
  t.end()
})
