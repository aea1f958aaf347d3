import { Track } from 'livekit-client';
import { type TrackState, useTrackState } from './useTrackState.js';

export function useMicrophoneState(): TrackState {
  return useTrackState(Track.Source.Microphone);
}
