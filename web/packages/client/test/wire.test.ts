/** The wire types against the server's checked-in schemas: names, kinds, literals, and what may be absent. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { CALL_EVENT_TYPES } from '../src/index.js';
import { exportedTypes, shapeOfSchema, shapeOfType, type Schema } from './shapes.js';

const at = (path: string) => join(import.meta.dirname, path);
const OPENAPI = at('../../../../server/openapi.json');
const EVENTS = at('../../../../server/events.schema.json');
const SOURCES = [
  ...['wire.ts', 'wire_clock.ts', 'wire_record.ts', 'wire_settings.ts', 'wire_events.ts', 'call_api.ts'].map((file) => at(`../src/${file}`)),
  at('../../node/src/administration.ts'),
];

/** Our name of each object, and the schema's. */
const ANSWERS = {
  AudioSettings: 'AudioSettings',
  VideoSettings: 'VideoSettings',
  TargetResolution: 'Resolution',
  ScreensharingSettings: 'ScreensharingSettings',
  BackstageSettings: 'BackstageSettings',
  MediaSettings: 'MediaSettings',
  LimitsSettings: 'LimitsSettings',
  CallSettings: 'CallSettings',
  UserResponse: 'User',
  ParticipantUser: 'ParticipantUser',
  MemberResponse: 'Member',
  ParticipantResponse: 'Participant',
  ClockResponse: 'SessionClock',
  WaitingFor: 'WaitingFor',
  PausedReason: 'PausedReason',
  ExtensionState: 'ExtensionOptions',
  ExtensionSettings: 'ExtensionSettings',
  OfferResponse: 'Offer',
  RequestResponse: 'ExtensionRequest',
  ExtensionWarning: 'Overrun',
  PersonResponse: 'Person',
  ClockInterval: 'ClockInterval',
  MergedPresence: 'Presence',
  SessionResponse: 'Session',
  CallResponse: 'Call',
  ChangeResponse: 'Change',
  MediaResponse: 'MediaAccess',
  PresenceInterval: 'Interval',
  ParticipantRecord: 'RecordParticipant',
  SessionRecord: 'Record',
  RecordSignature: 'RecordSignature',
  FieldProblem: 'ProblemField',
  ProblemResponse: 'Problem',
  CallEnvelope: 'CallState',
  CallStateAnswer: 'CallStateAnswer',
  GetOrCreateCallAnswer: 'CreatedCallAnswer',
  JoinAnswer: 'JoinAnswer',
  CallAnswer: 'CallAnswer',
  ExtendAnswer: 'ExtendAnswer',
  ClockAnswer: 'ClockAnswer',
  OfferAnswer: 'OfferAnswer',
  RequestAnswer: 'RequestAnswer',
  ApproveAnswer: 'ApprovalAnswer',
  WaitingAnswer: 'WaitingAnswer',
  AdmitAnswer: 'AdmitAnswer',
  MembersAnswer: 'MembersAnswer',
  SessionsAnswer: 'SessionsPage',
  SessionAnswer: 'SessionAnswer',
  LedgerAnswer: 'LedgerAnswer',
  RecordAnswer: 'RecordAnswer',
  VerificationAnswer: 'VerificationAnswer',
  QueryCallsAnswer: 'CallsPage',
  RoleResponse: 'Role',
  CallTypeResponse: 'CallType',
  CapabilityResponse: 'Capability',
  RoleAnswer: 'RoleAnswer',
  RolesAnswer: 'RolesAnswer',
  CapabilitiesAnswer: 'CapabilitiesAnswer',
  CallTypeAnswer: 'CallTypeAnswer',
  CallTypesAnswer: 'CallTypesAnswer',
  UserAnswer: 'UserAnswer',
  UpsertUsersAnswer: 'UsersAnswer',
  UsersAnswer: 'UsersPage',
};
const REQUESTS = {
  CallData: 'CallData',
  CallUpdate: 'UpdateCallRequest',
  MemberRequest: 'MemberInput',
  MembersUpdate: 'UpdateMembersRequest',
  ExtendRequest: 'ExtendCallRequest',
  ReasonRequest: 'ClockRequest',
  ConsentRequest: 'AnswerOfferRequest',
  MoreTimeRequest: 'RequestExtensionRequest',
  ApproveRequest: 'ApproveRequestRequest',
  UserRequest: 'UserInput',
  JoinRequest: 'JoinCallRequest',
  LeaveRequest: 'LeaveCallRequest',
  CallTypeRequest: 'UpdateCallTypeRequest',
  UpsertUsersRequest: 'UpsertUsersRequest',
  CallsQuery: 'QueryCallsRequest',
};
const MESSAGES = {
  CallEvent: 'Event',
  ConnectionOk: 'ConnectionOk',
  ConnectionReconnect: 'ConnectionReconnect',
  HealthCheck: 'HealthCheck',
  WatchOk: 'WatchOk',
  UnwatchOk: 'UnwatchOk',
  StreamError: 'ErrorMessage',
};

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Schema;
const program = ts.createProgram(SOURCES, {
  strict: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  paths: { '@callclock/client': [at('../src/index.ts')] },
});
const own = exportedTypes(program, SOURCES);

function ownShape(name: string) {
  const type = own.get(name);
  if (type === undefined) throw new Error(`the sources export no type ${name}`);
  return shapeOfType(program.getTypeChecker(), type);
}

function apiTests() {
  const root = read(OPENAPI);
  const schemas = root.components?.schemas ?? {};

  test.each(Object.entries(ANSWERS))('%s is what the schema %s says', (name, schema) => {
    expect(ownShape(name)).toEqual(shapeOfSchema(root, schemas[schema] ?? {}));
  });

  test.each(Object.entries(REQUESTS))('%s asks for nothing that the schema %s does not know', (name, schema) => {
    const known = shapeOfSchema(root, schemas[schema] ?? {});
    expect(Object.keys(ownShape(name)).toSorted()).toEqual(Object.keys(known).toSorted());
  });
}

function eventTests() {
  const root = read(EVENTS);

  test.each(Object.entries(MESSAGES))('%s is what the schema %s says', (name, schema) => {
    const [ours, theirs] = [ownShape(name), shapeOfSchema(root, root.$defs?.[schema] ?? {})];
    expect(Object.keys(ours).toSorted()).toEqual(Object.keys(theirs).toSorted());
  });

  test('every event type of the schema is known here', () => {
    const names = new Set([...readFileSync(EVENTS, 'utf8').matchAll(/"(call\.[a-z_]+)"/g)].map((match) => match[1]));
    expect(names.size).toBeGreaterThan(0);
    for (const name of names) expect(CALL_EVENT_TYPES).toContain(name);
  });
}

if (existsSync(OPENAPI)) describe('wire types against server/openapi.json', apiTests);
else test('wire types: not run, there is no server/openapi.json', () => undefined);

if (existsSync(EVENTS)) describe('message types against server/events.schema.json', eventTests);
else test('message types: not run, there is no server/events.schema.json', () => undefined);
