import { StreamCall, StreamVideo } from '@callclock/react';
import type { Entry } from './entry/entry';
import { useAppointment } from './entry/useAppointment';
import { AppointmentScreen } from './screens/AppointmentScreen';
import { Notice } from './screens/Notice';
import { RefusedScreen } from './screens/RefusedScreen';

export function App({ entry }: { entry: Entry }) {
  const { appointment, retry } = useAppointment(entry);
  if (appointment.phase === 'loading') return <Notice heading="Opening your appointment…" />;
  if (appointment.phase === 'refused') return <RefusedScreen code={appointment.code} onRetry={retry} />;
  const { client, call, returningWith } = appointment;
  return (
    <StreamVideo client={client}>
      <StreamCall call={call}>
        <AppointmentScreen returningWith={returningWith} />
      </StreamCall>
    </StreamVideo>
  );
}
