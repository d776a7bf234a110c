// The phone's camera, as a source of texts of QR codes. Pictures stay on the phone: only the text of a
// code leaves it.

const wide = 1280; // px, at most, of the picture that is searched

// watch starts the camera and calls found with each text, again and again as long as the code is in
// front of it. It returns what stops it. Errors: of getUserMedia, and "reader".
export async function watch(video, found) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false, video: { facingMode: "environment", width: { ideal: wide }, height: { ideal: 720 } },
  });
  video.srcObject = stream;
  await video.play();
  const worker = new Worker(new URL("reader-worker.js", import.meta.url));
  const stop = () => {
    worker.terminate();
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const ask = () => {
    const scale = Math.min(1, wide / video.videoWidth);
    const width = canvas.width = Math.round(video.videoWidth * scale);
    const height = canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const pixels = new Uint8Array(width * height);
    for (let i = 0; i < pixels.length; i++) pixels[i] = (data[4 * i] * 77 + data[4 * i + 1] * 150 + data[4 * i + 2] * 29) >> 8;
    worker.postMessage({ pixels, width, height }, [pixels.buffer]);
  };
  await new Promise((ready, fail) => {
    worker.onerror = () => fail(new Error("reader"));
    worker.onmessage = ({ data }) => (data.ready ? ready() : fail(new Error("reader")));
  }).catch((err) => {
    stop();
    throw err;
  });
  worker.onmessage = ({ data }) => {
    if (data.text) found(data.text);
    setTimeout(ask, 60);
  };
  ask();
  return stop;
}
