// Keeps every peer connection, so that a test can ask what really arrives.
(() => {
  const peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      peers.push(this);
    }
  };
  window.receivedMedia = async () => {
    const sum = { frames: 0, audioPackets: 0 };
    for (const peer of peers) {
      if (peer.connectionState === 'closed') continue;
      for (const report of (await peer.getStats()).values()) {
        if (report.type !== 'inbound-rtp') continue;
        if (report.kind === 'video') sum.frames += report.framesDecoded ?? 0;
        if (report.kind === 'audio') sum.audioPackets += report.packetsReceived ?? 0;
      }
    }
    return sum;
  };
})();
