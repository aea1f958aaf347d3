// Keeps every device track that the page opens, so that a test can see each of them stopped.
(() => {
  const devices = navigator.mediaDevices;
  const native = devices.getUserMedia.bind(devices);
  window.openedTracks = [];
  devices.getUserMedia = async (constraints) => {
    const stream = await native(constraints);
    window.openedTracks.push(...stream.getTracks());
    return stream;
  };
})();
