// What the phone keeps, in IndexedDB. Records:
//
//   "people"     [{id, name, keys: CryptoKeyPair, credential: Uint8Array, expires: ms, known: ms}], those who have
//                a pass on this phone; name is what somebody typed here, known the newest other phone that is no news
//   "current"    id of the one that is shown
//   "pending"    CryptoKeyPair, made for a pass whose answer has not arrived
//   "status-ID"  {answer: SelfAnswer, fetched: ms}, the last one known
//
// The private key is a CryptoKey that cannot be extracted: the browser keeps it, no script ever
// sees its bytes.

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open("ashyq", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("records");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  return opened;
}

export async function get(name) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const asking = db.transaction("records").objectStore("records").get(name);
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
}

// put writes all records or none and returns when they are on the disk; undefined removes one.
export async function put(records) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const change = db.transaction("records", "readwrite", { durability: "strict" });
    const store = change.objectStore("records");
    for (const [name, value] of Object.entries(records)) {
      if (value === undefined) store.delete(name);
      else store.put(value, name);
    }
    change.oncomplete = () => resolve();
    change.onerror = () => reject(change.error);
    change.onabort = () => reject(change.error);
  });
}
