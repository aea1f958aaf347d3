import { describeDeviceFailure } from '@callclock/react';
import { type ReactNode, useId } from 'react';
import { Icon, type IconName } from '../parts/Icon';
import type { DevicePreview } from './useDevicePreview';
import { useMachineDevices } from './useMachineDevices';

interface DeviceRowProps {
  name: string;
  icons: [IconName, IconName];
  device: DevicePreview;
  /** What the device does just now, such as a level. */
  children?: ReactNode;
}

/** One device: on or off, which one, and how to mend it when it does not start. */
export function DeviceRow({ name, icons, device, children }: DeviceRowProps) {
  const { kind, isOn, failure, track } = device;
  const works = isOn && failure === undefined;
  return (
    <div className="tm-device">
      <button
        type="button"
        className="tm-device-switch"
        role="switch"
        aria-checked={works}
        aria-label={name}
        onClick={() => {
          if (failure !== undefined) device.retry();
          else device.setOn(!isOn);
        }}
      >
        <span className="tm-control-face">
          <Icon name={icons[works ? 0 : 1]} />
        </span>
      </button>
      <div className="tm-device-words">
        {track !== undefined ? (
          <DeviceChoiceField name={name} device={device} />
        ) : (
          <span>{works ? `Starting your ${kind}…` : `${name} off`}</span>
        )}
        {children}
      </div>
      {failure !== undefined && (
        <div className="tm-device-failure" role="alert">
          <p>
            {describeDeviceFailure(failure, kind)} You can also join without it.
          </p>
          <button type="button" className="cc-button" onClick={device.retry}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

function DeviceChoiceField({ name, device }: { name: string; device: DevicePreview }) {
  const id = useId();
  const choices = useMachineDevices(device.kind === 'camera' ? 'videoinput' : 'audioinput', true);
  const current = device.deviceId ?? device.track?.getSettings().deviceId;
  return (
    <>
      <label className="cc-visually-hidden" htmlFor={id}>
        {name}
      </label>
      <select
        id={id}
        value={current}
        onChange={(event) => {
          device.choose(event.target.value);
        }}
      >
        {choices.map((choice, index) => (
          <option key={choice.deviceId} value={choice.deviceId}>
            {choice.label || `${name} ${index + 1}`}
          </option>
        ))}
      </select>
    </>
  );
}
