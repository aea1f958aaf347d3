import { useEffect, useRef, useState } from 'react';

/** Loudness, 0 to 1, above which somebody is taken to have been heard. */
const HEARD = 0.04;
const LOUDEST = 0.25;

/** How loud the microphone hears the room. The words say once what the bar shows all the time. */
export function MicrophoneLevel({ track }: { track: MediaStreamTrack }) {
  const bar = useRef<HTMLSpanElement>(null);
  const [isHeard, setHeard] = useState(false);
  useEffect(
    () =>
      listen(track, (loudness) => {
        bar.current?.style.setProperty('--level', String(Math.min(1, loudness / LOUDEST)));
        if (loudness > HEARD) setHeard(true);
      }),
    [track],
  );
  return (
    <span className="tm-level">
      <span className="tm-level-bar" aria-hidden="true">
        <span ref={bar} />
      </span>
      <span role="status">{isHeard ? 'We can hear you' : 'Say something to test it'}</span>
    </span>
  );
}

/** Reports the loudness (root mean square) of a track with every frame drawn; gives back the way to stop. */
function listen(track: MediaStreamTrack, report: (loudness: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let frame = requestAnimationFrame(measure);
  function measure() {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    report(Math.sqrt(power));
    frame = requestAnimationFrame(measure);
  }
  return () => {
    cancelAnimationFrame(frame);
    void context.close();
  };
}
