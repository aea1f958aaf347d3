import { type DeviceChoices, OwnCapability, SessionTimer, useCall, useCallStateHooks, useNamesOfRoles } from '@callclock/react';
import type { SubmitEvent } from 'react';
import { namesOf, useOtherPeople } from '../call/people';
import { CameraPicture } from '../devices/CameraPicture';
import { DeviceRow } from '../devices/DeviceRow';
import { MicrophoneLevel } from '../devices/MicrophoneLevel';
import { useDevicePreview } from '../devices/useDevicePreview';
import { startRuleInWords } from '../words/start_rules';
import { refusalFor } from '../words/refusals';
import { lengthInWords, timeOfDay } from '../words/times';

interface PreJoinScreenProps {
  isJoining: boolean;
  /** The code of what went wrong at the last attempt. */
  problem: string | undefined;
  onJoin: (devices: DeviceChoices) => void;
}

/** A look in the mirror before the call: whom one meets, for how long, and whether one is seen and heard. */
export function PreJoinScreen({ isJoining, problem, onJoin }: PreJoinScreenProps) {
  const start = useDefaultDevices();
  const together = start.camera && start.microphone;
  const camera = useDevicePreview('camera', { initiallyOn: start.camera, together });
  const microphone = useDevicePreview('microphone', { initiallyOn: start.microphone, together });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onJoin({ camera: camera.choice, microphone: microphone.choice });
  };
  return (
    <main className="tm-page">
      <form className="tm-columns" onSubmit={submit}>
        <AppointmentFacts />
        <div className="tm-mirror">
          <CameraPicture camera={camera} />
          <DeviceRow name="Camera" icons={['camera', 'camera-off']} device={camera} />
          <DeviceRow name="Microphone" icons={['mic', 'mic-off']} device={microphone}>
            {microphone.track !== undefined && <MicrophoneLevel track={microphone.track} />}
          </DeviceRow>
        </div>
        <div className="tm-join">
          <button type="submit" className="cc-button cc-button-accent tm-main-button" disabled={isJoining}>
            {isJoining ? 'Joining…' : camera.choice === false ? 'Join without camera' : 'Join the call'}
          </button>
          <p className="tm-problem" role="alert">
            {problem !== undefined && `${refusalFor(problem).heading}. ${refusalFor(problem).advice}`}
          </p>
        </div>
      </form>
    </main>
  );
}

function AppointmentFacts() {
  const { useCallSettings, useCallStartsAt, useParticipants, useSessionTimer } = useCallStateHooks();
  const people = useOtherPeople();
  const limits = useCallSettings()?.limits;
  const seconds = limits?.max_duration_seconds ?? null;
  const rule = useStartRule();
  const startsAt = useCallStartsAt();
  const present = useParticipants();
  const { endsAt } = useSessionTimer();
  const here = people.filter((person) => present.some((participant) => participant.userId === person.id));
  return (
    <header className="tm-facts-column">
      <h1 className="tm-headline">
        {seconds === null ? 'Your appointment' : lengthInWords(seconds)} with {namesOf(people)}
      </h1>
      {startsAt !== undefined && <p className="tm-lead">Planned for {timeOfDay(startsAt)}</p>}
      <p className="tm-lead" role="status">
        {here.length > 0
          ? `${namesOf(here)} ${here.length > 1 ? 'are' : 'is'} in the call and waiting for you.`
          : rule}
      </p>
      {endsAt !== null && (
        <div className="tm-running">
          <SessionTimer />
          <span className="tm-clock-end">ends {timeOfDay(endsAt)}</span>
        </div>
      )}
    </header>
  );
}

const NOBODY: string[] = [];

/** When the clock will start, for the person in front of this page. */
function useStartRule(): string {
  const { currentUserId } = useCall();
  const { useCallSettings, useCallStartsAt, useCallMembers, useHasPermissions } = useCallStateHooks();
  const settings = useCallSettings();
  const startsAt = useCallStartsAt();
  const roles = settings?.limits.required_roles ?? NOBODY;
  const own = useCallMembers().find((member) => member.user_id === currentUserId);
  const isRequired = own !== undefined && (roles.includes(own.user.role) || roles.includes(own.role ?? ''));
  const names = useNamesOfRoles(roles).filter((name) => name !== own?.user.name);
  const mustWait = !useHasPermissions(OwnCapability.JOIN_BACKSTAGE) && settings?.backstage.enabled === true;
  return startRuleInWords({ starts: settings?.limits.starts, startsAt, names, isRequired, mustWait });
}

function useDefaultDevices(): { camera: boolean; microphone: boolean } {
  const { useCallSettings, useHasPermissions } = useCallStateHooks();
  const settings = useCallSettings();
  const mayShow = useHasPermissions(OwnCapability.SEND_VIDEO);
  const maySpeak = useHasPermissions(OwnCapability.SEND_AUDIO);
  const wantsCamera = settings?.video.enabled === true && settings.video.camera_default_on;
  return { camera: mayShow && wantsCamera, microphone: maySpeak && settings?.audio.mic_default_on === true };
}
