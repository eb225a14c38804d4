// One dossier's life, from its filing to the result in the citizen's hand, by four services of Motcua.
import { call, client, messages, motcua, newRequestId, open, refusal } from './motcua_client.js';
import { signIn } from './sign_in.js';

const SHARD = 'H30';
const COMMUNE = 'H30.18.05';
const FINANCE = 'H30.18.TC';
const PROCEDURE = '1.001612'; // registers a household business: commune, the district's finance office, and back

const intake = client(motcua.intake.v1.IntakeService, 'MOTCUA_INTAKE');
const intakeFeed = client(motcua.feed.v1.FeedService, 'MOTCUA_INTAKE');
const routing = client(motcua.routing.v1.RoutingService, 'MOTCUA_ROUTING');
const deadline = client(motcua.deadline.v1.DeadlineService, 'MOTCUA_DEADLINE');
const notification = client(motcua.notification.v1.NotificationService, 'MOTCUA_NOTIFICATION');

async function main() {
  const filed = await file();
  const dossier = filed.dossier.code;
  await showInbox(dossier, () => offer(dossier, COMMUNE));
  await accept(dossier, FINANCE);
  await work(dossier, FINANCE, 'Thẩm định, cấp giấy chứng nhận');
  await offer(dossier, FINANCE);
  await accept(dossier, COMMUNE);
  await finish(dossier);
  const request = { request_id: newRequestId(), dossier, mode: 'desk' };
  const returned = await call(intake, 'ReturnResult', request, signIn(COMMUNE, 'returner'));
  step('the commune hands the result out');
  await readBack(dossier);
  await showError();
  await showFeed(dossier, BigInt(filed.written.feed_position), BigInt(returned.written.feed_position));
}

// Files and accepts a complete application at the desk. No later call has to wait for anything.
async function file() {
  const clerk = signIn(COMMUNE, 'intake');
  const { procedure } = await call(intake, 'GetProcedure', { shard: SHARD, procedure: PROCEDURE }, clerk);
  step(`procedure ${procedure.code}, ${procedure.name}: ${procedure.components.length} papers`);
  const request = {
    request_id: newRequestId(),
    receiving_agency: COMMUNE,
    procedure: procedure.code,
    applicant: { name: 'Nguyễn Thị Hoa' },
    components: procedure.components.map((name) => ({ name })),
    accept: true,
  };
  const filed = await call(intake, 'File', request, clerk);
  step(`filed and accepted: ${filed.dossier.code}, promised for ${filed.dossier.due.date}`);
  return filed;
}

async function offer(dossier, agency) {
  const request = { request_id: newRequestId(), dossier };
  const offered = await call(routing, 'OfferHandOver', request, signIn(agency, 'handler'));
  expect(offered.holder === agency, 'the sender holds until the receiver accepts');
  step(`${agency} offers it to the next agency of the plan`);
}

async function accept(dossier, agency) {
  const request = { request_id: newRequestId(), dossier };
  const accepted = await call(routing, 'AcceptHandOver', request, signIn(agency, 'handler'));
  expect(accepted.holder === agency, 'who accepts holds');
  step(`${agency} takes it over`);
}

async function work(dossier, agency, activity) {
  await call(routing, 'CompleteWork', { request_id: newRequestId(), dossier, activity }, signIn(agency, 'handler'));
  step(`${agency}: ${activity}`);
}

// Signs the result that was looked at: `expected_version` lets nobody change the dossier in between. Where somebody did,
// the call is ABORTED: look again, decide again; that is another action, and has another request_id.
async function finish(dossier) {
  const handler = signIn(COMMUNE, 'handler');
  let expected_version = '1'; // seen long ago
  for (let attempt = 0; attempt < 3; ++attempt) {
    const request = { request_id: newRequestId(), dossier, expected_version, outcome: 'OUTCOME_APPROVED' };
    try {
      const finished = await call(routing, 'Finish', request, handler);
      expect(expected_version !== '1', 'an old version is refused');
      expect(finished.status === 'DOSSIER_STATUS_RESULT_READY', 'the result is ready');
      step('the result is ready');
      return;
    } catch (error) {
      const { code, reason } = refusal(error);
      if (code !== 'ABORTED') throw error;
      step(`an old version is refused (${reason}); looking again`);
      const { route } = await call(routing, 'GetRoute', { dossier }, handler);
      expect(route.holder === COMMUNE, 'the commune still holds it');
      expected_version = route.version;
    }
  }
  expect(false, 'nobody else changes this dossier');
}

// Clock and history.
async function readBack(code) {
  const clerk = signIn(COMMUNE, 'intake');
  const { dossier } = await call(intake, 'GetDossier', { dossier: code }, clerk);
  expect(dossier.status === 'DOSSIER_STATUS_RETURNED', 'the dossier is returned');
  const { clock } = await call(deadline, 'GetClock', { dossier: code }, clerk);
  expect(clock.due.date === dossier.original_due.date && !clock.late, 'the promise was kept');
  const appointment = new Date(Number(clock.due.appointment.seconds) * 1000).toISOString();
  step(`clock: promised for ${clock.due.date} (${appointment}), ${clock.late ? 'late' : 'on time'}`);
  const { history } = await call(routing, 'GetHistory', { dossier: code }, clerk);
  expect(history.verified, 'the chain of the history is whole');
  step(`history: ${history.entries.map((entry) => entry.action).join(', ')}`);
}

// A request that is wrong in several places: all of them come back at once.
async function showError() {
  const request = {
    request_id: 'short',
    receiving_agency: COMMUNE,
    procedure: 'không có',
    applicant: { email: 'nobody' },
  };
  const error = await call(intake, 'File', request, signIn(COMMUNE, 'intake')).then(
    () => expect(false, 'a bad request is refused'),
    (reason) => reason,
  );
  const { code, reason, message, violations } = refusal(error);
  expect(code === 'INVALID_ARGUMENT' && reason === 'INVALID_REQUEST', 'a bad request is INVALID_ARGUMENT');
  expect(violations.length >= 3 && message !== '', 'it tells all');
  step(`a bad request: ${reason}: ${message}`);
  for (const { field, reason, localized_message } of violations) {
    expect(reason !== '', 'each violation has its reason');
    step(`  ${field}: ${reason}: ${localized_message.message}`);
  }
}

// Intake's events of the dossier: read from a position, broken off, resumed by position and epoch. A consumer writes both
// into its own database, in the transaction that has the effect of the events.
async function showFeed(dossier, first, last) {
  const reader = signIn(SHARD, 'feed');
  let position = first - 1n;
  let epoch = '0';
  const actions = [];
  for (const stopAfterOne of [true, false]) {
    const request = { shard: SHARD, after: String(position), epoch, subjects: [dossier], max_batch: 1 };
    const stream = await open(intakeFeed, 'Read', request, reader);
    for await (const batch of messages(stream)) {
      expect(!batch.ended, 'nothing was lost');
      actions.push(...batch.events.map((event) => event.body));
      position = BigInt(batch.position);
      if (batch.epoch !== '0') epoch = batch.epoch;
      if (position >= last || (stopAfterOne && batch.events.length > 0)) break;
    }
    step(`feed: ${actions.join(', ')}; up to position ${position} in epoch ${epoch}`);
  }
  const once = new Set(actions).size === actions.length;
  expect(once && actions.at(-1) === 'result_returned', 'each event once, in order');
}

// The inbox of an agency, followed from now on; broken off, and resumed from where it had come to.
async function showInbox(dossier, handOver) {
  const recipient = `agency:${FINANCE}`;
  const officer = signIn(FINANCE, 'handler');
  const subscribe = (after) => open(notification, 'Subscribe', { shard: SHARD, recipient, after }, officer);

  // The first step comes at once, and tells from where: whatever comes behind it is not missed.
  const start = await first(await subscribe(''), () => true);
  expect(!start.message && start.resume !== '', 'the first step tells from where');
  // While nobody listens.
  await handOver();
  const about = ({ message }) => message?.dossier === dossier;
  const told = await first(await subscribe(start.resume), about);
  step(`inbox of ${FINANCE}: ${told.message.subject}`);

  // The offer is taken back and made again.
  await call(routing, 'RecallHandOver', { request_id: newRequestId(), dossier }, signIn(COMMUNE, 'handler'));
  await handOver();
  const { message } = await first(await subscribe(told.resume), about);
  const once = message.id !== told.message.id && message.event === 'HandOverOffered';
  expect(once, 'nothing is missed, nothing comes twice');
  step(`inbox of ${FINANCE}, resumed: ${message.subject}`);
}

async function first(stream, wanted) {
  for await (const reply of messages(stream)) if (wanted(reply)) return reply;
  throw new Error('the stream has ended');
}

function step(text) {
  console.log(text);
}

function expect(right, what) {
  if (!right) throw new Error(`not as it should be: ${what}`);
}

try {
  await main();
} catch (error) {
  if (error.code === undefined) {
    console.error(error.message);
  } else {
    const { code, reason, text, message } = refusal(error);
    console.error(`${code} ${reason}: ${text}\n${message}`);
  }
  process.exitCode = 1;
}
