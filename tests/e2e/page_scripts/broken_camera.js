// A camera that fails as `window.cameraFailure` says, until it is mended. Runs before the page's own scripts.
(() => {
  const devices = navigator.mediaDevices;
  const native = devices.getUserMedia.bind(devices);
  window.mendCamera = () => {
    window.cameraFailure = undefined;
  };
  devices.getUserMedia = async (constraints) => {
    if (constraints.video && window.cameraFailure !== undefined) {
      throw new DOMException('the camera of this test', window.cameraFailure);
    }
    return native(constraints);
  };
})();
