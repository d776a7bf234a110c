// Reads codes with the doors' own decoder (cmd/ashyq-reader), away from the page. It is told
// {pixels, width, height} and says {ready}, {failed} or {text}, where text is null without a code.

importScripts("reader/wasm_exec.js");

async function load() {
  const packed = await fetch("reader/reader.wasm.gz");
  if (!packed.ok) throw new Error(`the reader: ${packed.status}`);
  const program = await new Response(packed.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const go = new Go();
  const { instance } = await WebAssembly.instantiate(program, go.importObject);
  go.run(instance); // ends with the worker
  addEventListener("message", ({ data: { pixels, width, height } }) => {
    postMessage({ text: ashyqRead(pixels, width, height) });
  });
  postMessage({ ready: true });
}

load().catch((err) => postMessage({ failed: String(err) }));
