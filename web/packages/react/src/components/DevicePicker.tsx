import { useMediaDeviceSelect } from '@livekit/components-react';
import { useId } from 'react';

export interface DevicePickerProps {
  label: string;
  kind: MediaDeviceKind;
  value: string | undefined;
  onChange: (deviceId: string) => void;
  /** Lists again when this changes: names are there only once a device of the kind may be used. */
  isAllowed?: boolean;
}

/** A choice among the machine's devices; absent while there is nothing to choose, or on a page that is not secure. */
export function DevicePicker(props: DevicePickerProps) {
  return window.isSecureContext ? <DeviceOptions key={String(props.isAllowed)} {...props} /> : null;
}

function DeviceOptions({ label, kind, value, onChange }: DevicePickerProps) {
  const id = useId();
  const list = useMediaDeviceSelect({ kind, requestPermissions: false });
  const devices = list.devices.filter((device) => device.deviceId !== '');
  if (devices.length === 0) return null;
  return (
    <div className="cc-picker">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value ?? devices[0]?.deviceId}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      >
        {devices.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `${label} ${index + 1}`}
          </option>
        ))}
      </select>
    </div>
  );
}
