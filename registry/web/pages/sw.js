// Keeps the citizen's page and everything it loads on the phone, so that the code keeps rotating
// without a network. The store's name has the version of all files: an update is complete before it
// is used, and then the old store is deleted.
const store = "ashyq-{{version}}";
const files = {{offline}};

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(store);
    // "reload" passes by the browser's own cache: a page of an older version must not get in here.
    await cache.addAll(files.map((file) => new Request(file, { cache: "reload" })));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== store) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = event.request.method === "GET" && url.origin === self.location.origin && files.includes(url.pathname);
  if (!ours) return; // the interface and the other pages go to the network as if this were not here
  event.respondWith((async () => {
    const cache = await caches.open(store);
    return (await cache.match(url.pathname)) ?? fetch(event.request);
  })());
});
